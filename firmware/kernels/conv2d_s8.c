// Two-dimensional convolution, any stride, padding and dilation: the part of x that one output pixel sees is laid side
// by side once, and every filter is an inner product with it.
#include <string.h>

#include "inner_product.h"
#include "kernels.h"
#include "requantize.h"

// window[a,b,c] = x[top + a * dilation_h, left + b * dilation_w, c], and x_zero_point outside the image
static void gather(int8_t *window, const int8_t *x, int32_t top, int32_t left, const conv2d_params *p) {
    const window_geometry *g = &p->window;
    const size_t pixel = g->x_c, row = pixel * g->k_w;
    const int side_by_side = g->dilation_w == 1 && left >= 0 && left + g->k_w <= g->x_w;
    for (int32_t a = 0; a < g->k_h; a++, window += row) {
        const int32_t i = top + a * g->dilation_h;
        if (i < 0 || i >= g->x_h) {
            memset(window, p->x_zero_point, row);
        } else if (side_by_side) {
            memcpy(window, x + (i * g->x_w + left) * g->x_c, row);
        } else {
            for (int32_t b = 0; b < g->k_w; b++) {
                const int32_t j = left + b * g->dilation_w;
                if (j < 0 || j >= g->x_w) memset(window + b * g->x_c, p->x_zero_point, pixel);
                else memcpy(window + b * g->x_c, x + (i * g->x_w + j) * g->x_c, pixel);
            }
        }
    }
}

void conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const conv2d_params *p) {
    const window_geometry *g = &p->window;
    const output_stage output = p->output;
    const int32_t n = g->k_h * g->k_w * g->x_c;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            gather(window, x, i * g->stride_h - g->pad_h, j * g->stride_w - g->pad_w, p);
            const int8_t *filter = p->weights;
            for (int32_t o = 0; o < g->y_c; o++, filter += n) {
                *y++ = output_s8(inner_product(p->bias[o], window, filter, n), o, &output);
            }
        }
    }
}
