// Sum and difference of two tensors of different scales: both brought to a common finer scale, added, requantized.
#include "kernels.h"
#include "loops.h"
#include "requantize.h"

// The value in steps of twice the larger scale / 2^20
static int32_t rescaled(int32_t value, const add_operand *p) {
    return requantize((value - p->zero_point) * (1 << 20), p->multiplier, p->shift);
}

void add_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_params *p) {
    loop_walk walk = loop_start(&p->loops);
    do {
        const int8_t *in_a = a + walk.a, *in_b = b + walk.b;
        for (int32_t k = 0; k < walk.count; k++, in_a += walk.a_step, in_b += walk.b_step) {
            const int32_t sum = rescaled(*in_a, &p->a) + p->b_sign * rescaled(*in_b, &p->b);
            const int32_t value = p->y_zero_point + requantize(sum, p->multiplier, p->shift);
            *y++ = clamp_s8(value, p->y_min, p->y_max);
        }
    } while (loop_next(&walk));
}
