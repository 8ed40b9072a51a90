// The kernels of a Cortex-M0 or M0+, which has a multiplier and few registers: two filters in one multiplication, from tables
// of their own. Called by the generated model.c alone, with the alphabet and the promises of kernels.h.
#pragma once
#include "dsp_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    // For each two filters, behind an odd number the last two, one of them once more, their segments, each after how many
    // bytes of the scratch it takes, and a 0 behind the last: one word for each tap, that of the first filter plus 2^16
    // times that of the second. Taps are even, the last one may be 0. What a segment adds up to stays within 16 bits for
    // each filter, whatever x is.
    const int32_t *weights;
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    int32_t taps;            // rounded up to an even number
    window_geometry window;  // of the convolution; y_c at least 2
    window_geometry pool;    // of the max pooling that follows it: 2 x 2, stride 2, wholly inside; or 1 x 1, none
    packed_output output;    // channels: of each two filters; bias: less 2^16 for each segment of a first one
} conv2d_halves_params;

// y = max_pool2d_s8(conv2d_s8(x)), two filters in one multiplication; y begins where x may be overwritten, as in
// dsp_kernels.h.  scratch (16 * taps,): what four output pixels see, in 32 bits
void conv2d_halves_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_halves_params *p);

#ifdef __cplusplus
}
#endif
