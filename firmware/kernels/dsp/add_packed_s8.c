// Sum and difference of two tensors. One of them has the larger scale, so that bringing it to the common scale is a
// shift; the other takes a multiplication and a rounded shift, and so does the sum.
#include "loops.h"
#include "packed.h"

// A row of y from rows of a and b; signs says which of the two is taken away.
INLINED void add_row(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, add_packed_signs signs, const add_packed_params *p
) {
    const packed_scale from = p->a, to = p->y;
    const int32_t a_factor = p->a_factor;
    const int8_t *const end = a + count;
    while (a != end) {
        const int32_t finer = packed_scaled(*a++ * a_factor + from.bias, &from);
        const int32_t coarser = *b++ * (1 << 19);
        const int32_t sum = signs == ADD_BOTH ? coarser + finer : signs == TAKE_A ? coarser - finer : finer - coarser;
        *y++ = (int8_t)saturate_s8(packed_scaled(2 * sum + to.bias, &to));
    }
}

void add_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p) {
    loop_walk walk = loop_start(&p->loops);
    int8_t *out = y;
    do {
        const int8_t *in_a = a + walk.a, *in_b = b + walk.b;
        switch (p->signs) {
            case TAKE_A: add_row(out, in_a, in_b, walk.count, TAKE_A, p); break;
            case TAKE_B: add_row(out, in_a, in_b, walk.count, TAKE_B, p); break;
            default: add_row(out, in_a, in_b, walk.count, ADD_BOTH, p);
        }
        out += walk.count;
    } while (loop_next(&walk));
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
