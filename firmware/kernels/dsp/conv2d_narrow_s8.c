// Convolution with at most ten taps and the max pooling of at most 2 x 2 that follows it: the taps of all four pixels
// of a pooling window are laid out once and then serve every channel.
#include "gather.h"
#include "packed.h"

enum { NARROW_PIXELS = 4, NARROW_TAPS = 10 };

static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// The index inside [0, n) that lies nearest to i.
static int32_t nearest_inside(int32_t i, int32_t n) { return i < 0 ? 0 : smaller(i, n - 1); }

// Row and column of pixel k of a pooling window. One of fewer than four pixels has some of them again, which changes
// no maximum.
static int32_t row_of(int32_t k, const window_geometry *pool) { return smaller(k / 2, pool->k_h - 1); }
static int32_t column_of(int32_t k, const window_geometry *pool) { return smaller(k % 2, pool->k_w - 1); }

// Where the taps of all pixels lie relative to the first tap of the first pixel; those that fill up the ten have no
// weight and may lie anywhere.    offsets (NARROW_PIXELS, NARROW_TAPS)
static void locate_taps(int32_t *offsets, const conv2d_narrow_params *p) {
    const window_geometry *g = &p->window;
    for (int32_t t = 0; t < NARROW_PIXELS * NARROW_TAPS; t++) offsets[t] = 0;
    for (int32_t k = 0; k < NARROW_PIXELS; k++) {
        const int32_t row = row_of(k, &p->pool) * g->stride_h, column = column_of(k, &p->pool) * g->stride_w;
        int32_t *next = offsets + k * NARROW_TAPS;
        for (int32_t a = 0; a < g->k_h; a++) {
            for (int32_t b = 0; b < g->k_w; b++) {
                const int32_t pixel = (row + a * g->dilation_h) * g->x_w + column + b * g->dilation_w;
                for (int32_t c = 0; c < g->x_c; c++) *next++ = pixel * g->x_c + c;
            }
        }
    }
}

// Whether a pooling window and all that its pixels see lie inside, in one dimension.
static int window_is_inside(
    int32_t first, int32_t pool, int32_t pool_x, int32_t stride, int32_t pad, int32_t span, int32_t x
) {
    const int32_t last = first + pool - 1;
    return first >= 0 && last < pool_x && first * stride - pad >= 0 && last * stride - pad + span <= x;
}

// taps (NARROW_PIXELS, NARROW_TAPS) of a pooling window at the border
static void see_narrow_border(
    int16_t *taps, const int8_t *x, int32_t top, int32_t left, const conv2d_narrow_params *p
) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    for (int32_t k = 0; k < NARROW_PIXELS; k++, taps += NARROW_TAPS) {
        const int32_t a = nearest_inside(top + row_of(k, pool), pool->x_h);
        const int32_t b = nearest_inside(left + column_of(k, pool), pool->x_w);
        int8_t window[NARROW_TAPS] = {0};
        gather_s8(window, x, a * g->stride_h - g->pad_h, b * g->stride_w - g->pad_w, p->x_zero_point, g);
        for (int32_t t = 0; t < NARROW_TAPS; t++) taps[t] = window[t];
    }
}

void conv2d_narrow_s8(int8_t *y, const int8_t *x, const conv2d_narrow_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t span_h = (g->k_h - 1) * g->dilation_h + 1, span_w = (g->k_w - 1) * g->dilation_w + 1;
    int32_t offsets[NARROW_PIXELS * NARROW_TAPS];
    locate_taps(offsets, p);
    narrow_tile tile;
    tile.end = p->channels + 9 * g->y_c;
    for (int32_t i = 0; i < pool->y_h; i++) {
        const int32_t top = i * pool->stride_h - pool->pad_h;
        const int inside = window_is_inside(top, pool->k_h, pool->x_h, g->stride_h, g->pad_h, span_h, g->x_h);
        for (int32_t j = 0; j < pool->y_w; j++, y += pool->y_c) {
            const int32_t left = j * pool->stride_w - pool->pad_w;
            if (inside && window_is_inside(left, pool->k_w, pool->x_w, g->stride_w, g->pad_w, span_w, g->x_w)) {
                const int8_t *first =
                    x + ((top * g->stride_h - g->pad_h) * g->x_w + left * g->stride_w - g->pad_w) * g->x_c;
                for (int32_t t = 0; t < NARROW_PIXELS * NARROW_TAPS; t += 4) {
                    tile.taps[t] = first[offsets[t]];
                    tile.taps[t + 1] = first[offsets[t + 1]];
                    tile.taps[t + 2] = first[offsets[t + 2]];
                    tile.taps[t + 3] = first[offsets[t + 3]];
                }
            } else {
                see_narrow_border(tile.taps, x, top, left, p);
            }
            tile.y = y;
            narrow_channels(&tile, p->channels);
            limit_s8(y, pool->y_c, p->y_min, p->y_max);
        }
    }
}
