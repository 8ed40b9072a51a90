// Depthwise convolution, eight channels at a time. The rows that a row of the output sees are laid out in 16 bits, with what
// lies outside the image; then two taps of eight channels at a time are multiplied. One copy of it for each set of
// instructions.
#pragma once
#include "rows.h"

// Eight channels of a row of the output.    places (pairs, 2): where the taps of a window lie, from its corner
OUTLINED void row_of_eight(
    int8_t *y, const int16_t *seen, const int16_t *weights, const int32_t *table, const int32_t *places,
    const depthwise_conv2d_simd_params *p
) {
    const simd_output output = p->output;
    const int32_t x_c = p->window.x_c, step = p->window.stride_w * x_c;
    const eight bias = load_eight(table);
    for (int32_t j = p->window.y_w; j > 0; j--, seen += step, y += x_c) {
        const int16_t *w = weights;
        const int32_t *at = places;
        eight sums = bias;
        for (int32_t t = p->pairs; t > 0; t--, w += 16, at += 2) {
            sums = add_two_taps(sums, load_pairs(w), seen + at[0], seen + at[1]);
        }
        bytes_of_eight(y, sums, table, &output);
    }
}

OUTLINED void depthwise_conv2d_simd(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_simd_params *p
) {
    const window_geometry *g = &p->window;
    const laid_rows rows = {
        .count = (g->k_h - 1) * g->dilation_h + 1,
        .width = (g->y_w - 1) * g->stride_w + (g->k_w - 1) * g->dilation_w + 1,
    };
    int32_t *places = (int32_t *)(void *)scratch;
    int16_t *laid = (int16_t *)(void *)(places + 2 * p->pairs);
    const int32_t taps = g->k_h * g->k_w, last = g->x_c - 8;
    for (int32_t t = 0; t < 2 * p->pairs; t++) {
        const int32_t tap = t < taps ? t : taps - 1;  // the last one again, with a weight of zero
        places[t] = (tap / g->k_w * g->dilation_h * rows.width + tap % g->k_w * g->dilation_w) * g->x_c;
    }
    for (int32_t i = 0; i < g->y_h; i++, y += g->y_w * g->y_c) {
        lay_rows(laid, x, i * g->stride_h - g->pad_h, &rows, p->x_zero_point, g);
        const int32_t *table = p->output.channels;
        const int16_t *w = p->weights;
        for (int32_t c = 0; c < g->x_c; c += 8, w += 16 * p->pairs, table += 32) {
            const int32_t first = c < last ? c : last;
            row_of_eight(y + first, laid + first, w, table, places, p);
        }
    }
}
