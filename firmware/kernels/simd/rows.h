// What a row of the output sees of an image, in 16 bits.
#pragma once
#include "simd.h"

typedef struct {
    int32_t count, width;  // rows, and columns of each
} laid_rows;

INLINED int16_t *widen(int16_t *to, const int8_t *from, int32_t n) {
    for (; n >= 8; n -= 8, to += 8, from += 8) widen_eight(to, from);
    for (; n > 0; n--) *to++ = *from++;
    return to;
}

INLINED int16_t *repeat(int16_t *to, int32_t value, int32_t n) {
    for (; n > 0; n--) *to++ = (int16_t)value;
    return to;
}

// to (count, width, x_c) = x from the row `top` on, and from the column -pad_w; x_zero_point outside the image.
INLINED void lay_rows(
    int16_t *to, const int8_t *x, int32_t top, const laid_rows *rows, int32_t x_zero_point, const window_geometry *g
) {
    const int32_t x_c = g->x_c, before = g->pad_w < rows->width ? g->pad_w : rows->width;
    const int32_t most = rows->width - before, inside = most < g->x_w ? most : g->x_w;
    for (int32_t row = top; row < top + rows->count; row++) {
        if (row < 0 || row >= g->x_h) {
            to = repeat(to, x_zero_point, rows->width * x_c);
            continue;
        }
        to = repeat(to, x_zero_point, before * x_c);
        to = widen(to, x + row * g->x_w * x_c, inside * x_c);
        to = repeat(to, x_zero_point, (most - inside) * x_c);
    }
    *to = 0;  // multiplied with a weight of zero where the last pair is a half one
}

// Where the pairs of a window lie from its corner: those of a row of it one after the other, or those of a tap.
INLINED void place_pairs(int32_t *places, int32_t row, const window_geometry *g) {
    const int32_t runs = g->dilation_w == 1 ? 1 : g->k_w, n = g->k_w / runs * g->x_c;
    for (int32_t a = 0; a < g->k_h; a++) {
        for (int32_t b = 0; b < runs; b++) {
            for (int32_t c = 0; c < n; c += 2) *places++ = a * g->dilation_h * row + b * g->dilation_w * g->x_c + c;
        }
    }
}
