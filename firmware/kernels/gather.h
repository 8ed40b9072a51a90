// The part of an image that one window sees, laid side by side.
#pragma once
#include "kernels.h"

// window[a,b,c] = x[top + a * dilation_h, left + b * dilation_w, c], and x_zero_point outside the image
// window (k_h, k_w, x_c)  x (x_h, x_w, x_c)
void gather_s8(
    int8_t *window, const int8_t *x, int32_t top, int32_t left, int32_t x_zero_point, const window_geometry *g
);
