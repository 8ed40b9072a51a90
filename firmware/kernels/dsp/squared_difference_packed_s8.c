// Square of the difference of two tensors, of which one has the larger scale, as in add_packed_s8.
#include "loops.h"
#include "packed.h"

void squared_difference_packed_s8(
    int8_t *y, const int8_t *a, const int8_t *b, const squared_difference_packed_params *p
) {
    loop_walk walk = loop_start(&p->loops);
    const packed_scale from = p->a, to = p->y;
    do {
        const int8_t *in_a = a + walk.a, *in_b = b + walk.b;
        for (int32_t k = 0; k < walk.count; k++, in_a += walk.a_step, in_b += walk.b_step) {
            const int32_t finer = packed_scaled(*in_a * p->a_factor + from.bias, &from);
            const int32_t difference = finer + p->b_offset - *in_b * (1 << 6);
            *y++ = (int8_t)saturate_s8(packed_scaled(2 * difference * difference, &to));
        }
    } while (loop_next(&walk));
}
