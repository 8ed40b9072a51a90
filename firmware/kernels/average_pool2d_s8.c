// Two-dimensional average pooling, any window, stride and padding; only what lies inside the image counts.
#include "pool2d.h"
#include "requantize.h"

void average_pool2d_s8(int8_t *y, const int8_t *x, const pool2d_params *p) {
    const window_geometry *g = &p->window;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            const image_part part = seen_from(g, i, j);
            const int32_t count = (part.bottom - part.top) * (part.right - part.left);
            for (int32_t c = 0; c < g->y_c; c++) {
                int32_t sum = 0;
                for (int32_t a = part.top; a < part.bottom; a++) {
                    for (int32_t b = part.left; b < part.right; b++) sum += x[(a * g->x_w + b) * g->x_c + c];
                }
                *y++ = clamp_s8(rounded_mean(sum, count), p->y_min, p->y_max);
            }
        }
    }
}
