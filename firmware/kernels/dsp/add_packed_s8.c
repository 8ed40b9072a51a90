// Sum of two tensors of the same shape. One of them has the larger scale, so that bringing it to the common scale is a
// shift; the other takes a multiplication and a rounded shift, and so does the sum.
#include "packed.h"

void add_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p) {
    const packed_scale from = p->a, to = p->y;
    const int32_t a_factor = p->a_factor;
    const int8_t *const end = a + p->count;
    int8_t *out = y;
    while (a != end) {
        const int32_t finer = packed_scaled(*a++ * a_factor + from.bias, &from);
        const int32_t sum = finer + *b++ * (1 << 19);
        *out++ = (int8_t)saturate_s8(packed_scaled(2 * sum + to.bias, &to));
    }
    limit_s8(y, p->count, p->y_min, p->y_max);
}
