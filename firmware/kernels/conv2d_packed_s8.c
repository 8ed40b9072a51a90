// Convolution of any geometry with the max pooling that follows it: two output pixels at a time, and for each pixel of
// their pooling windows the part of x it sees, side by side in 16 bits, times four filters at a time.
// Requantizing never reverses an order, so the largest sum makes the largest byte, and one requantization is enough.
#include "columns.h"
#include "gather.h"
#include "packed.h"

// The index inside [0, n) that lies nearest to i. A pooling window at the border has some of its pixels again instead of
// those outside, which changes no maximum.
static int32_t nearest(int32_t i, int32_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

// best[k] = max(best[k], sums[k])    (n,)
static void raise_to(int32_t *best, const int32_t *sums, int32_t n) {
    for (int32_t k = 0; k < n; k++) {
        if (sums[k] > best[k]) best[k] = sums[k];
    }
}

// One column of v: what the convolution's output pixel (i, j) sees.
static void see(
    int16_t *v, int8_t *window, const int8_t *x, int32_t i, int32_t j, const conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t top = i * g->stride_h - g->pad_h, left = j * g->stride_w - g->pad_w, row = g->k_w * g->x_c;
    const int inside = top >= 0 && left >= 0 && top + (g->k_h - 1) * g->dilation_h < g->x_h && left + g->k_w <= g->x_w;
    if (inside && row % 4 == 0 && g->dilation_w == 1) {
        const int8_t *from = x + (top * g->x_w + left) * g->x_c;
        for (int32_t a = 0; a < g->k_h; a++, from += g->dilation_h * g->x_w * g->x_c) v = widen_column(v, from, row);
    } else {
        gather_s8(window, x, top, left, p->x_zero_point, g);
        widen_column(v, window, g->k_h * row);
    }
}

void conv2d_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t groups = (g->y_c + 3) / 4, quads = (g->k_h * g->k_w * g->x_c + 3) / 4, y_c = pool->y_c;
    const int pools = pool->k_h > 1 || pool->k_w > 1;
    int32_t *best = (int32_t *)(void *)scratch, *sums = pools ? best + 8 * groups : best;
    int16_t *v = (int16_t *)(void *)(sums + 8 * groups);
    int8_t *window = (int8_t *)(v + 8 * quads);
    for (int32_t i = 0; i < pool->y_h; i++) {
        const int32_t top = i * pool->stride_h - pool->pad_h;
        for (int32_t j = 0; j < pool->y_w; j += 2) {
            const int is_last = j + 1 == pool->y_w;  // without a pixel to the right this one is computed twice
            const int32_t left = j * pool->stride_w - pool->pad_w, left_of_right = left + (is_last ? 0 : pool->stride_w);
            int8_t *right = y + (is_last ? 0 : y_c);
            for (int32_t o = 0; pools && o < 8 * groups; o++) best[o] = INT32_MIN;
            for (int32_t a = 0; a < pool->k_h; a++) {
                const int32_t row = nearest(top + a, pool->x_h);
                for (int32_t b = 0; b < pool->k_w; b++) {
                    see(v, window, x, row, nearest(left + b, pool->x_w), p);
                    see(v + 2, window, x, row, nearest(left_of_right + b, pool->x_w), p);
                    columns_dot_s16(sums, v, p->weights, quads, groups, 16 * quads);
                    if (pools) raise_to(best, sums, 8 * groups);
                }
            }
            columns_finish_s8(y, right, best, y_c, &p->output);
            limit_s8(y, (int32_t)(right - y) + y_c, p->output.y_min, p->output.y_max);
            y = right + y_c;
        }
    }
}
