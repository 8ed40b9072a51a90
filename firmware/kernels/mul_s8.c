// Product of two tensors.
#include "kernels.h"
#include "loops.h"
#include "requantize.h"

void mul_s8(int8_t *y, const int8_t *a, const int8_t *b, const mul_params *p) {
    loop_walk walk = loop_start(&p->loops);
    do {
        const int8_t *in_a = a + walk.a, *in_b = b + walk.b;
        for (int32_t k = 0; k < walk.count; k++, in_a += walk.a_step, in_b += walk.b_step) {
            const int32_t product = (*in_a - p->a_zero_point) * (*in_b - p->b_zero_point);
            const int32_t value = p->y_zero_point + requantize(product, p->multiplier, p->shift);
            *y++ = clamp_s8(value, p->y_min, p->y_max);
        }
    } while (loop_next(&walk));
}
