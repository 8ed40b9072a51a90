// Square of the difference of two tensors, of which one has the larger scale, as in add_packed_s8.
#include "loops.h"
#include "packed.h"

// `a_stays`, `b_stays`: one of them is the same for all of the row.
INLINED void squared_differences(
    int8_t *y, const int8_t *a, const int8_t *b, const loop_walk *walk, int a_stays, int b_stays,
    const squared_difference_packed_params *p
) {
    const packed_scale from = p->a, to = p->y;
    const int32_t a_factor = p->a_factor, b_offset = p->b_offset, a_step = walk->a_step, b_step = walk->b_step;
    int32_t of_a = packed_scaled(*a * a_factor + from.bias, &from), of_b = b_offset - *b * (1 << 6);
    for (const int8_t *const end = y + walk->count; y != end; a += a_step, b += b_step) {
        if (!a_stays) of_a = packed_scaled(*a * a_factor + from.bias, &from);
        if (!b_stays) of_b = b_offset - *b * (1 << 6);
        *y++ = (int8_t)saturate_s8(packed_scaled(2 * (of_a + of_b) * (of_a + of_b), &to));
    }
}

static __attribute__((noinline)) void squared_differences_of_row(
    int8_t *y, const int8_t *a, const int8_t *b, const loop_walk *walk, const squared_difference_packed_params *p
) {
    if (walk->b_step == 0) squared_differences(y, a, b, walk, 0, 1, p);
    else if (walk->a_step == 0) squared_differences(y, a, b, walk, 1, 0, p);
    else squared_differences(y, a, b, walk, 0, 0, p);
}

void squared_difference_packed_s8(
    int8_t *y, const int8_t *a, const int8_t *b, const squared_difference_packed_params *p
) {
    loop_walk walk = loop_start(&p->loops);
    do {
        squared_differences_of_row(y, a + walk.a, b + walk.b, &walk, p);
        y += walk.count;
    } while (loop_next(&walk));
}
