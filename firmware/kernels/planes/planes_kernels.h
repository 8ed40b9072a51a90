// The kernels of cores that multiply one number at a time, whatever registers they have.
// Called by the generated model.c alone, with the alphabet and the promises of kernels.h.
#pragma once
#include "dsp_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const int16_t *weights;  // (y_c, k_h * k_w), doubled
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    int32_t plane_h, plane_w;  // rows and columns of x that windows see, with those outside, and one window more
    window_geometry window;
    packed_output output;
} depthwise_conv2d_planes_params;

// y = depthwise_conv2d_s8(x), any geometry; y may be x where it has as many channels and no more pixels.
// scratch (plane_h, plane_w): one channel of x
void depthwise_conv2d_planes_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_planes_params *p
);

#ifdef __cplusplus
}
#endif
