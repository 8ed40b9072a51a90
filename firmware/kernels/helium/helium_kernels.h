// The kernels of cores with Arm's M-profile vectors, Helium (docs/compiled-engine.md): the bytes of the plain ones, from
// tables of their own. Called by the generated model.c alone, with the alphabet and the promises of kernels.h.
#pragma once
#include "dsp_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a sum of products goes through, four channels side by side: bias, multiplier, offset and minus the shift of each
// four, from a sum as it is to a byte.
typedef struct {
    const int32_t *channels;  // (groups, 4, 4)
    int32_t y_min, y_max;
} vector_output;

typedef struct {
    const int8_t *weights;   // (groups, chunks, 4, 16): sixteen taps of four filters; zeros fill up both
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    window_geometry window;  // of the convolution
    window_geometry pool;    // of the max pooling that follows it, its windows wholly inside; or 1 x 1, none
    vector_output output;
} conv2d_helium_params;

// y = max_pool2d_s8(conv2d_s8(x)); y begins where x may be overwritten, as in dsp_kernels.h. Two pixels of y are computed
// together, or those of which the largest is wanted.
// scratch (pixels, taps): what they see, at least 16 taps; none of it where all windows lie in x as they are seen
void conv2d_helium_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_helium_params *p);

typedef struct {
    // (octets, k_h * k_w, 8): of eight channels, the last ones with some of those before them again; none is -128
    const int8_t *weights;
    int32_t x_zero_point;
    window_geometry window;  // y_c is x_c, at least 8
    vector_output output;    // (2 * octets, 4, 4): channels 0, 2, 4, 6 of eight, then 1, 3, 5, 7
} depthwise_conv2d_helium_params;

// y = depthwise_conv2d_s8(x).  scratch (k_h * k_w * x_c,): what an output pixel at the border sees
void depthwise_conv2d_helium_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_helium_params *p
);

// y = add_packed_s8(a, b), where each row goes on byte by byte in both.
void add_helium_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p);

#ifdef __cplusplus
}
#endif
