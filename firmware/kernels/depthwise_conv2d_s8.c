// Depthwise convolution, any multiplier, stride, padding and dilation: the part of x that one output pixel sees is laid
// side by side once, and every output channel takes its taps from one channel of it.
#include "gather.h"
#include "kernels.h"
#include "requantize.h"

void depthwise_conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p) {
    const window_geometry *g = &p->window;
    const output_stage output = p->output;
    const int32_t taps = g->k_h * g->k_w, multiplier = g->y_c / g->x_c;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            gather_s8(window, x, i * g->stride_h - g->pad_h, j * g->stride_w - g->pad_w, p->x_zero_point, g);
            for (int32_t o = 0; o < g->y_c; o++) {
                const int8_t *pixel = window + o / multiplier, *weight = p->weights + o;
                int32_t acc = p->bias[o];
                for (int32_t t = 0; t < taps; t++, pixel += g->x_c, weight += g->y_c) acc += *pixel * *weight;
                *y++ = output_s8(acc, o, &output);
            }
        }
    }
}
