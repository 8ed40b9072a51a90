// 1 x 1 convolution of any stride, four pixels at a time: each weight is read once for all four.
#include "packed.h"
#include "pixels.h"

void conv2d_pointwise_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    const window_geometry *g = &p->window;
    const int32_t y_c = g->y_c, across = g->stride_w * g->x_c;
    const int32_t next_row = g->stride_h * g->x_w * g->x_c - g->y_w * across;
    int16_t *v = (int16_t *)(void *)scratch;
    int8_t *const start = y, *const end = y + g->y_h * g->y_w * y_c;
    int32_t left = g->y_w;  // pixels of a row
    while (y != end) {
        const int8_t *from[4];
        int8_t *to[4];
        for (int32_t k = 0; k < 4; k++) {
            if (y == end) {  // without another pixel the last one is computed again
                from[k] = from[k - 1];
                to[k] = to[k - 1];
                continue;
            }
            from[k] = x;
            to[k] = y;
            y += y_c;
            x += across;
            if (--left == 0) {
                left = g->y_w;
                x += next_row;
            }
        }
        widen_pixels(v, from, g->x_c / 4);
        (p->output.rectifies ? pixels_rectified_s16 : pixels_output_s16)(
            to, p->weights, v, g->x_c / 4, y_c / 2, p->output.channels
        );
    }
    limit_s8(start, (int32_t)(end - start), p->output.y_min, p->output.y_max);
}
