// A rectifier whose slope below zero is a tensor of its own.
#include "kernels.h"
#include "loops.h"
#include "requantize.h"

void prelu_s8(int8_t *y, const int8_t *x, const int8_t *alpha, const prelu_params *p) {
    loop_walk walk = loop_start(&p->loops);
    do {
        const int8_t *in = x + walk.a, *slope = alpha + walk.b;
        for (int32_t k = 0; k < walk.count; k++, in += walk.a_step, slope += walk.b_step) {
            const int32_t value = *in - p->x_zero_point;
            const int32_t scaled = value >= 0 ? requantize(value, p->multiplier, p->shift)
                                              : requantize(value * (*slope - p->alpha_zero_point),
                                                           p->alpha_multiplier, p->alpha_shift);
            *y++ = clamp_s8(p->y_zero_point + scaled, INT8_MIN, INT8_MAX);
        }
    } while (loop_next(&walk));
}
