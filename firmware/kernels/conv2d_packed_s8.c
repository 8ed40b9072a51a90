// Convolution of any geometry with the max pooling that follows it: for each pixel of a pooling window the part of x it
// sees is laid side by side in 16 bits, multiplied with four filters at a time, and the largest sums are kept.
// Requantizing never reverses an order, so the largest sum makes the largest byte, and one requantization is enough.
#include "gather.h"
#include "packed.h"

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// best[o] = max(best[o], sum_t window[t] * weights[o,t])    best (groups, 4)  window (quads, 4)
static void raise_to(int32_t *best, const int16_t *window, const int16_t *weights, int32_t groups, int32_t quads) {
    for (int32_t g = 0; g < groups; g++, best += 4) {
        const int16_t *v = window;
        const sums_4 s = dot_4_s16(&v, &weights, quads);
        best[0] = larger(best[0], s.a);
        best[1] = larger(best[1], s.b);
        best[2] = larger(best[2], s.c);
        best[3] = larger(best[3], s.d);
    }
}

void conv2d_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t groups = (g->y_c + 3) / 4, n = g->k_h * g->k_w * g->x_c, quads = (n + 3) / 4;
    int32_t *best = (int32_t *)(void *)scratch;
    int16_t *wide = (int16_t *)(void *)(best + 4 * groups);
    int8_t *window = (int8_t *)(wide + 4 * quads);
    for (int32_t i = 0; i < pool->y_h; i++) {
        const int32_t top = i * pool->stride_h - pool->pad_h, bottom = smaller(top + pool->k_h, pool->x_h);
        for (int32_t j = 0; j < pool->y_w; j++, y += pool->y_c) {
            const int32_t left = j * pool->stride_w - pool->pad_w, right = smaller(left + pool->k_w, pool->x_w);
            for (int32_t o = 0; o < 4 * groups; o++) best[o] = INT32_MIN;
            for (int32_t a = larger(top, 0); a < bottom; a++) {
                for (int32_t b = larger(left, 0); b < right; b++) {
                    gather_s8(window, x, a * g->stride_h - g->pad_h, b * g->stride_w - g->pad_w, p->x_zero_point, g);
                    widen(wide, window, n);
                    raise_to(best, wide, p->weights, groups, quads);
                }
            }
            finish_s8(y, best, pool->y_c, &p->output);
        }
    }
}
