// Square of the difference of two tensors of different scales, both brought to a common finer one first.
#include "kernels.h"
#include "loops.h"
#include "requantize.h"

// The value in steps of twice the larger scale / 2^7
static int32_t difference_operand(int32_t value, const add_operand *p) {
    return requantize((value - p->zero_point) * (1 << 7), p->multiplier, p->shift);
}

void squared_difference_s8(int8_t *y, const int8_t *a, const int8_t *b, const squared_difference_params *p) {
    loop_walk walk = loop_start(&p->loops);
    do {
        const int8_t *in_a = a + walk.a, *in_b = b + walk.b;
        for (int32_t k = 0; k < walk.count; k++, in_a += walk.a_step, in_b += walk.b_step) {
            const int32_t difference = difference_operand(*in_a, &p->a) - difference_operand(*in_b, &p->b);
            const int32_t square = requantize(difference * difference, p->multiplier, p->shift);
            *y++ = clamp_s8(p->y_zero_point + square, INT8_MIN, INT8_MAX);
        }
    } while (loop_next(&walk));
}
