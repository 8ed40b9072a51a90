// The kernels of cores that multiply one number at a time (docs/compiled-engine.md): the bytes of the plain ones, from
// tables of their own. Called by the generated model.c alone, with the alphabet and the promises of kernels.h.
#pragma once
#include "dsp_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    // For each two filters their segments, each after how many bytes of the scratch it takes, and a 0 behind the last: one
    // word for each tap, that of the first filter plus 2^16 times that of the second. Taps are even, the last one may be 0.
    // What a segment adds up to stays within 16 bits for each filter, whatever x is.
    const int32_t *weights;
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    int32_t taps;            // rounded up to an even number
    window_geometry window;  // of the convolution; y_c even
    window_geometry pool;    // of the max pooling that follows it: 2 x 2, stride 2, wholly inside; or 1 x 1, none
    packed_output output;    // bias: less 2^16 for each segment of a first filter
} conv2d_halves_params;

// y = max_pool2d_s8(conv2d_s8(x)), two filters in one multiplication; y begins where x may be overwritten, as in
// dsp_kernels.h.  scratch (16 * taps,): what four output pixels see, in 32 bits
void conv2d_halves_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_halves_params *p);

typedef struct {
    const int8_t *weights;   // (groups, taps, 4): of four filters, zeros for those that fill up the last group
    int32_t x_zero_point;
    int32_t taps;
    window_geometry window;
    window_geometry pool;  // as above
    packed_output output;
} conv2d_fours_params;

// The same with a byte for a weight, four pixels times four filters at a time.
// scratch (4 * taps,): what four output pixels see
void conv2d_fours_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_fours_params *p);

#ifdef __cplusplus
}
#endif
