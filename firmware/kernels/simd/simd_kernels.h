// The kernels of computers and browsers with vectors (docs/compiled-engine.md): the bytes of the plain ones, from tables of
// their own. Called by the generated model.c alone, with the alphabet and the promises of kernels.h.
#pragma once
#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a sum of products goes through, eight channels side by side: bias, multiplier, offset and shift of each eight, from
// a sum as it is to a byte. Twice a sum fits 32 bits; shifts are from 1 to 31.
typedef struct {
    const int32_t *channels;  // (groups, 4, 8)
    int32_t y_min, y_max;
} simd_output;

typedef struct {
    // (groups, pairs, 8, 2): two neighbouring values of x for eight filters; zeros fill up both. Pairs are those of a row of
    // the window, then of the next row; where columns are dilated, those of a tap, then of the next tap.
    const int16_t *weights;
    int32_t pairs;
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    window_geometry window;  // of the convolution
    window_geometry pool;    // of the max pooling that follows it, its windows wholly inside; or 1 x 1, none
    simd_output output;
} conv2d_simd_params;

// y = max_pool2d_s8(conv2d_s8(x)); y begins where x may be overwritten, as in dsp_kernels.h.
// scratch: int32 for each pair and for each pixel of a pooling window, of those a multiple of 4; then the rows that a row of
// y sees, with what lies outside the image, in 16 bits, and one more
void conv2d_simd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_simd_params *p);

typedef struct {
    const int16_t *weights;  // (octets, pairs, 8, 2): two taps of eight channels, the last ones with some before them again
    int32_t pairs;
    int32_t x_zero_point;
    window_geometry window;  // y_c is x_c, at least 8
    simd_output output;      // of the octets
} depthwise_conv2d_simd_params;

// y = depthwise_conv2d_s8(x).
// scratch: (pairs, 2) int32, then the rows that a row of y sees, with what lies outside the image, in 16 bits, and one more
void depthwise_conv2d_simd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_simd_params *p);

#ifdef __cplusplus
}
#endif
