// What the packed poolings share: pixels of a row whose windows have as many rows and columns inside the image.
#pragma once
#include "dsp.h"
#include "packed.h"
#include "pool2d.h"

typedef struct {
    int32_t rows, columns;  // of a window, inside x
    int32_t pixels;         // of the output, side by side
    int32_t x_c, row;       // bytes from one pixel of x to the next, and from one row to the next
    int32_t step;           // bytes from one window to the next
} pool_run;

// y (pixels, x_c) from the windows of which the first begins at x
typedef void (*pool_windows)(int8_t *y, const int8_t *x, const pool_run *run);

// The windows from column j on that lie as far inside x: one at a border.
INLINED int32_t windows_alike(const window_geometry *g, int32_t j) {
    const int32_t left = j * g->stride_w - g->pad_w, right = g->x_w - left - g->k_w;
    if (left < 0 || right < 0) return 1;
    return smaller_of(g->y_w - j, right / g->stride_w + 1);
}

INLINED void pool_by_runs(int8_t *y, const int8_t *x, const pool2d_params *p, pool_windows pool) {
    const window_geometry *g = &p->window;
    pool_run run = {0, 0, 0, g->x_c, g->x_w * g->x_c, g->stride_w * g->x_c};
    int8_t *out = y;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j += run.pixels, out += run.pixels * run.x_c) {
            const image_part seen = seen_from(g, i, j);
            run.rows = seen.bottom - seen.top;
            run.columns = seen.right - seen.left;
            run.pixels = windows_alike(g, j);
            pool(out, x + seen.top * run.row + seen.left * run.x_c, &run);
        }
    }
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
