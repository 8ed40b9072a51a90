// Square of the difference of two tensors, of which one has the larger scale, as in add_packed_s8.
#include "loops.h"
#include "packed.h"

static __attribute__((noinline)) void squares_of_row(
    int8_t *y, const int8_t *a, const int8_t *b, const loop_walk *walk, const squared_difference_packed_params *p
) {
    const packed_scale from = p->a, to = p->y;
    for (int32_t k = 0; k < walk->count; k++, a += walk->a_step, b += walk->b_step) {
        const int32_t finer = packed_scaled(*a * p->a_factor + from.bias, &from);
        const int32_t difference = finer + p->b_offset - *b * (1 << 6);
        *y++ = (int8_t)saturate_s8(packed_scaled(2 * difference * difference, &to));
    }
}

void squared_difference_packed_s8(
    int8_t *y, const int8_t *a, const int8_t *b, const squared_difference_packed_params *p
) {
    loop_walk walk = loop_start(&p->loops);
    do {
        squares_of_row(y, a + walk.a, b + walk.b, &walk, p);
        y += walk.count;
    } while (loop_next(&walk));
}
