// The kernels of cores that multiply one number at a time and have registers for sixteen sums, with a byte for a weight.
// Called by the generated model.c alone, with the alphabet and the promises of kernels.h.
#pragma once
#include "dsp_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const int8_t *weights;   // (groups, taps, 4): of four filters, zeros for those that fill up the last group
    int32_t x_zero_point;
    int32_t taps;
    window_geometry window;
    window_geometry pool;  // of the max pooling that follows it: 2 x 2, stride 2, wholly inside; or 1 x 1, none
    packed_output output;
} conv2d_fours_params;

// y = max_pool2d_s8(conv2d_s8(x)), four pixels times four filters at a time; y begins where x may be overwritten, as in
// dsp_kernels.h.
// scratch (4 * taps,): what four output pixels see
void conv2d_fours_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_fours_params *p);

#ifdef __cplusplus
}
#endif
