// The last steps shared by the packed kernels: from doubled accumulators to output bytes.
#pragma once
#include "dsp.h"
#include "kernels.h"

// y[o] = clamp(y[o], y_min, y_max)    y (y_c,)
static inline void limit_s8(int8_t *y, int32_t y_c, int32_t y_min, int32_t y_max) {
    if (y_min == INT8_MIN && y_max == INT8_MAX) return;
    for (int32_t o = 0; o < y_c; o++) {
        if (y[o] < y_min) y[o] = (int8_t)y_min;
        if (y[o] > y_max) y[o] = (int8_t)y_max;
    }
}

// The output byte of a doubled accumulator, before the clamp; channel (4,) is the channel's row of the table.
// The second rounding of requantize.h, halves away from zero, with the zero point added in the same step: the offset
// of the table is 2^(shift - 1) + y_zero_point * 2^shift.
static inline int8_t packed_byte_s8(int32_t acc, const int32_t *channel) {
    const int32_t product = multiply_high_rounded(acc + channel[0], channel[1]);
    return (int8_t)saturate_s8((product + (product >> 31) + channel[2]) >> channel[3]);
}

// y[o] = output_o(acc[o] / 2)    acc (y_c,)  y (y_c,)
static inline void finish_s8(int8_t *y, const int32_t *acc, int32_t y_c, const packed_output *p) {
    const int32_t *channel = p->channels;
    for (int32_t o = 0; o < y_c; o++, channel += 4) y[o] = packed_byte_s8(acc[o], channel);
    limit_s8(y, y_c, p->y_min, p->y_max);
}
