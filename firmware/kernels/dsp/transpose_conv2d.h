// Transposed convolution, a row of x's grid at a time. The output pixels that lie alike between two strides are a
// convolution of x of their own, with every stride-th tap; all of these are computed as one with stride_h * stride_w *
// y_c filters, and what it makes of a place is laid out as that many pixels of y.
#pragma once
#include <string.h>

#include "dsp_kernels.h"

typedef void packed_conv2d(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

// The largest of 0 and n, the smallest of n and limit.
static inline int32_t at_least_0(int32_t n) { return n > 0 ? n : 0; }
static inline int32_t at_most(int32_t n, int32_t limit) { return n < limit ? n : limit; }

// One row of places (columns, stride_h, stride_w, y_c) -> those of their rows of y that there are, the first being `top`.
static inline void lay_out_places(
    int8_t *y, const int8_t *places, int32_t top, const transpose_conv2d_packed_params *p
) {
    const int32_t columns = p->conv.window.y_w, run = p->stride_w * p->y_c, width = p->y_w * p->y_c;
    for (int32_t a = at_least_0(-top); a < at_most(p->stride_h, p->y_h - top); a++) {
        int8_t *row = y + (top + a) * width;
        for (int32_t j = 0; j < columns; j++) {
            const int32_t left = p->left * p->y_c + j * run, cut = at_least_0(-left);
            const int32_t end = at_most(run, width - left);
            const int8_t *from = places + (j * p->stride_h + a) * run;
            if (cut < end) memcpy(row + left + cut, from + cut, (size_t)(end - cut));
        }
    }
}

static inline void transpose_conv2d_rows(
    int8_t *y, const int8_t *x, int8_t *scratch, const transpose_conv2d_packed_params *p, packed_conv2d *convolve
) {
    conv2d_packed_params row = p->conv;  // of one row of places: only what it sees of x moves
    const window_geometry *g = &p->conv.window;
    int8_t *after = scratch + p->places_bytes;
    row.window.y_h = row.pool.x_h = row.pool.y_h = 1;
    for (int32_t i = 0; i < g->y_h; i++) {
        const int32_t above = at_most(at_least_0(i - g->pad_h), g->x_h);
        row.window.pad_h = (uint16_t)at_least_0(g->pad_h - i);
        row.window.x_h = (uint16_t)(g->x_h - above);
        convolve(scratch, x + above * g->x_w * g->x_c, after, &row);
        lay_out_places(y, scratch, p->top + i * p->stride_h, p);
    }
}
