// What one output pixel sees of an image, side by side.
#pragma once
#include "helium.h"

INLINED int32_t limited_taps(int32_t value, int32_t least, int32_t most) {
    return value < least ? least : value > most ? most : value;
}

// Whether the window whose corner is x[top, left] lies wholly inside the image.
INLINED int sees_inside(int32_t top, int32_t left, const window_geometry *g) {
    return top >= 0 && left >= 0 && top + (g->k_h - 1) * g->dilation_h < g->x_h &&
           left + (g->k_w - 1) * g->dilation_w < g->x_w;
}

// to (k_h, k_w, x_c) = the window there, x_zero_point outside the image.
static inline void lay_window(
    int8_t *to, const int8_t *x, int32_t top, int32_t left, int32_t x_zero_point, const window_geometry *g
) {
    const int32_t x_c = g->x_c, step = g->dilation_w, x_row = g->x_w * x_c;
    const int8_t *from = x + top * x_row + left * x_c;
    if (step == 1 && sees_inside(top, left, g)) {
        for (int32_t a = g->k_h, n = g->k_w * x_c; a > 0; a--, from += g->dilation_h * x_row) to = copy_bytes(to, from, n);
        return;
    }
    const int32_t before = limited_taps((step - 1 - left) / step, 0, g->k_w);  // taps left of the image
    // The first one right of it.
    const int32_t behind = limited_taps((g->x_w - left + step - 1) / step, before, g->k_w);
    for (int32_t a = 0, row = top; a < g->k_h; a++, row += g->dilation_h, from += g->dilation_h * x_row) {
        if (row < 0 || row >= g->x_h) {
            to = fill_bytes(to, x_zero_point, g->k_w * x_c);
            continue;
        }
        const int32_t columns = step == 1 ? 1 : behind - before, n = step == 1 ? (behind - before) * x_c : x_c;
        to = fill_bytes(to, x_zero_point, before * x_c);
        for (int32_t b = 0; b < columns; b++) to = copy_bytes(to, from + (before + b) * step * x_c, n);
        to = fill_bytes(to, x_zero_point, (g->k_w - behind) * x_c);
    }
}
