// Two-dimensional max pooling, any window, stride and padding. All channels of a pixel at once, as they lie in memory.
#include <string.h>

#include "pool2d.h"

// y[c] = max(y[c], x[c])    x (n,)  y (n,)
static void raise_row(int8_t *y, const int8_t *x, int32_t n) {
    for (int32_t c = 0; c < n; c++) {
        if (x[c] > y[c]) y[c] = x[c];
    }
}

// y[c] = min(y[c], max)    y (n,)
static void limit_to(int8_t *y, int32_t max, int32_t n) {
    for (int32_t c = 0; c < n; c++) {
        if (y[c] > max) y[c] = (int8_t)max;
    }
}

void max_pool2d_s8(int8_t *y, const int8_t *x, const pool2d_params *p) {
    const window_geometry *g = &p->window;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++, y += g->y_c) {
            const image_part part = seen_from(g, i, j);
            memset(y, p->y_min, g->y_c);
            for (int32_t a = part.top; a < part.bottom; a++) {
                for (int32_t b = part.left; b < part.right; b++) raise_row(y, x + (a * g->x_w + b) * g->x_c, g->x_c);
            }
            limit_to(y, p->y_max, g->y_c);
        }
    }
}
