// Where the taps of one window lie in the image.
#pragma once
#include "dsp.h"
#include "dsp_kernels.h"

// offsets (k_h * k_w,): bytes from the corner (top, left) of a window to its taps, `outside` for those outside the image.
// pixel: bytes of a pixel of x
INLINED void locate_taps(
    int32_t *offsets, int32_t outside, int32_t top, int32_t left, int32_t pixel, const window_geometry *g
) {
    const int32_t across = g->dilation_w * pixel, down = g->dilation_h * g->x_w * pixel;
    for (int32_t a = 0, i = top, row = 0; a < g->k_h; a++, i += g->dilation_h, row += down) {
        const int32_t inside = i >= 0 && i < g->x_h;
        for (int32_t b = 0, j = left, at = row; b < g->k_w; b++, j += g->dilation_w, at += across) {
            *offsets++ = inside && j >= 0 && j < g->x_w ? at : outside;
        }
    }
}
