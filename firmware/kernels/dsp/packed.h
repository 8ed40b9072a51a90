// The last steps shared by the packed kernels: from doubled accumulators to output bytes.
#pragma once
#include "dsp.h"
#include "dsp_kernels.h"

// y[o] = clamp(y[o], y_min, y_max)    y (y_c,)
void limit_s8(int8_t *y, int32_t y_c, int32_t y_min, int32_t y_max);

// The rest of a scale, from a doubled number with its bias: TFLM's two rounded steps. The second rounds away from zero what
// the first left below it; where that left a zero of a number below zero, one less makes no difference.
INLINED int32_t packed_scaled(int32_t value, const packed_scale *p) {
    return multiply_high_add(p->offset + (value >> 31), value, p->multiplier) >> p->shift;
}

// The row of the table for a channel, in registers: the compiler cannot know that storing bytes leaves it alone.
INLINED packed_scale packed_channel(const int32_t *channel) {
    return (packed_scale){channel[0], channel[1], channel[2], channel[3]};
}

// The output byte of a doubled accumulator, before the clamp; a number, as a byte would be extended again.
INLINED int32_t packed_value(int32_t acc, const packed_scale *channel) {
    return saturate_s8(packed_scaled(acc + channel->bias, channel));
}
