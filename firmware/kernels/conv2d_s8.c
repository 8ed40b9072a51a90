// Two-dimensional convolution, any stride, padding and dilation: the part of x that one output pixel sees is laid side
// by side once, and every filter is an inner product with it.
#include "gather.h"
#include "inner_product.h"
#include "kernels.h"
#include "requantize.h"

void conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p) {
    const window_geometry *g = &p->window;
    const output_stage output = p->output;
    const int32_t n = g->k_h * g->k_w * g->x_c;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            gather_s8(window, x, i * g->stride_h - g->pad_h, j * g->stride_w - g->pad_w, p->x_zero_point, g);
            const int8_t *filter = p->weights;
            for (int32_t o = 0; o < g->y_c; o++, filter += n) {
                *y++ = output_s8(inner_product(p->bias[o], window, filter, n), o, &output);
            }
        }
    }
}
