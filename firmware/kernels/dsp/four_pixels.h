// What four output pixels of a convolution see, side by side: those of a 2 x 2 pooling window, or four in a row. Each
// kernel includes it after saying in what it keeps a value, `seen_value`.
#pragma once
#include "packed.h"

enum { PIXELS = 4 };

// Every fourth place of v from n bytes of x; returns what follows.
INLINED seen_value *lay_bytes(seen_value *v, const int8_t *x, int32_t n) {
    for (; n >= 4; n -= 4, x += 4, v += 4 * PIXELS) {
        v[0] = x[0];
        v[PIXELS] = x[1];
        v[2 * PIXELS] = x[2];
        v[3 * PIXELS] = x[3];
    }
    for (; n > 0; n--, v += PIXELS) *v = *x++;
    return v;
}

INLINED seen_value *lay_outside(seen_value *v, int32_t n, int32_t x_zero_point) {
    for (; n > 0; n--, v += PIXELS) *v = (seen_value)x_zero_point;
    return v;
}

// One row of a window that reaches beyond x, or is dilated: from column `left` on.
static __attribute__((noinline)) seen_value *see_edge_pixel(
    seen_value *v, const int8_t *x_row, int32_t left, int32_t x_zero_point, const window_geometry *g
) {
    const int32_t x_c = g->x_c;
    for (int32_t b = 0, column = left; b < g->k_w; b++, column += g->dilation_w) {
        const int inside = column >= 0 && column < g->x_w;
        v = inside ? lay_bytes(v, x_row + column * x_c, x_c) : lay_outside(v, x_c, x_zero_point);
    }
    return v;
}

// One column of v (taps, PIXELS): what output pixel (i, j) of the convolution sees.
static __attribute__((noinline)) void see_pixel(
    seen_value *v, const int8_t *x, int32_t i, int32_t j, int32_t x_zero_point, const window_geometry *g
) {
    const int32_t x_c = g->x_c, row = g->k_w * x_c, left = j * g->stride_w - g->pad_w;
    const int inside = g->dilation_w == 1 && left >= 0 && left + g->k_w <= g->x_w;
    int32_t at = i * g->stride_h - g->pad_h;
    for (int32_t a = 0; a < g->k_h; a++, at += g->dilation_h) {
        const int8_t *x_row = x + at * g->x_w * x_c;
        if (at < 0 || at >= g->x_h) v = lay_outside(v, row, x_zero_point);
        else if (inside) v = lay_bytes(v, x_row + left * x_c, row);
        else v = see_edge_pixel(v, x_row, left, x_zero_point, g);
    }
}

// Where the next pixels go in y: all four to one place where they are pooled.
typedef struct {
    int8_t *y[PIXELS];
    int32_t i, j;  // of the next output
} four_places;

// Lays out what the next four pixels see, and where they go; without so many the last one is computed again.
INLINED void next_four(
    four_places *to, int8_t *y, const int8_t *end, seen_value *v, const int8_t *x, int32_t x_zero_point,
    const window_geometry *g, const window_geometry *pool
) {
    const int pools = pool->k_h > 1;
    for (int32_t k = 0; k < PIXELS; k++) {
        if (pools) see_pixel(v + k, x, 2 * to->i + k / 2, 2 * to->j + k % 2, x_zero_point, g);
        else see_pixel(v + k, x, to->i, to->j, x_zero_point, g);
        to->y[k] = y;
        if ((pools && k < PIXELS - 1) || y + g->y_c == end) continue;
        y += g->y_c;
        if (++to->j == pool->y_w) {
            to->j = 0;
            to->i++;
        }
    }
}
