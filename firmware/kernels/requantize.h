// Fixed-point arithmetic shared by the kernels, rounded exactly as TensorFlow Lite Micro rounds: twice, once after the
// multiplication (half upwards) and once after the shift (half away from zero). One rounding would differ in the last bit.
#pragma once
#include "kernels.h"

// a * b / 2^31, rounded to nearest, halves upwards. Not for a = b = -2^31, whose product does not fit.
static inline int32_t multiply_high(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

// a / 2^shift, rounded to nearest, halves away from zero; shift in [0, 31].
static inline int32_t divide_by_power_of_two(int32_t a, int32_t shift) {
    const int32_t mask = (int32_t)((1u << shift) - 1);
    const int32_t half = (mask >> 1) + (a < 0);
    return (a >> shift) + ((a & mask) > half);
}

// acc * multiplier * 2^(shift - 31), in the two rounded steps.
static inline int32_t requantize(int32_t acc, int32_t multiplier, int32_t shift) {
    return shift > 0 ? multiply_high(acc * (1 << shift), multiplier)
                     : divide_by_power_of_two(multiply_high(acc, multiplier), -shift);
}

static inline int8_t clamp_s8(int32_t value, int32_t min, int32_t max) {
    return (int8_t)(value < min ? min : value > max ? max : value);
}

// The output byte of channel o.
static inline int8_t output_s8(int32_t acc, int32_t o, const output_stage *p) {
    const int32_t k = o * p->per_channel;
    return clamp_s8(p->y_zero_point + requantize(acc, p->multiplier[k], p->shift[k]), p->y_min, p->y_max);
}
