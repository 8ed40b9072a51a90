// Transposed convolution: where a convolution would have read output pixel (i, j), the input pixels it would have made from
// it are laid side by side, zero where there is none between two strides; every filter is an inner product with them.
#include <string.h>

#include "inner_product.h"
#include "kernels.h"
#include "requantize.h"

// window (k_h, k_w, x_c): the pixels of x that output (i, j) sees.
static void gather(int8_t *window, const int8_t *x, int32_t i, int32_t j, const convolution_params *p) {
    const window_geometry *g = &p->window;
    for (int32_t a = 0; a < g->k_h; a++) {
        for (int32_t b = 0; b < g->k_w; b++, window += g->x_c) {
            const int32_t down = i + g->pad_h - a, right = j + g->pad_w - b;
            const int32_t row = down / g->stride_h, column = right / g->stride_w;
            const int on_grid = row * g->stride_h == down && column * g->stride_w == right;
            if (on_grid && down >= 0 && row < g->x_h && right >= 0 && column < g->x_w) {
                memcpy(window, x + (row * g->x_w + column) * g->x_c, g->x_c);
            } else {
                memset(window, p->x_zero_point, g->x_c);
            }
        }
    }
}

void transpose_conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p) {
    const window_geometry *g = &p->window;
    const output_stage output = p->output;
    const int32_t n = g->k_h * g->k_w * g->x_c;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            gather(window, x, i, j, p);
            const int8_t *filter = p->weights;
            for (int32_t o = 0; o < g->y_c; o++, filter += n) {
                *y++ = output_s8(inner_product(p->bias[o], window, filter, n), o, &output);
            }
        }
    }
}
