// What the convolutions that go over pixels two by two have in common, whatever they see.
#pragma once
#include "columns.h"
#include "packed.h"

typedef void columns_to_bytes(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups, const int32_t *channels
);

// The loops of columns.h for one layout of weights, and how many numbers a quad takes there for each filter.
typedef struct {
    void (*dot)(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads, int32_t runs, int32_t rewind);
    columns_to_bytes *output, *rectified;
    int32_t numbers;
} column_loops;

// The index inside [0, n) that lies nearest to i. A pooling window at the border has some of its pixels again instead of
// those outside, which changes no maximum.
INLINED int32_t nearest(int32_t i, int32_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

// best[k] = max(best[k], sums[k])    (n,)
INLINED void raise_to(int32_t *best, const int32_t *sums, int32_t n) {
    for (int32_t k = 0; k < n; k++) {
        if (sums[k] > best[k]) best[k] = sums[k];
    }
}

// n quads of a column, all of them the value of x outside the image.
INLINED int16_t *see_nothing(int16_t *v, int32_t n, int32_t x_zero_point) {
    const uint32_t nothing = ((uint32_t)x_zero_point & 0xffff) | (uint32_t)x_zero_point << 16;
    for (; n > 0; n--, v += 8) store_column(v, nothing, nothing);
    return v;
}

// Pixel (a, b) of the pooling window `at`, in the convolution's output.
INLINED place pooled(place at, int32_t a, int32_t b, const window_geometry *pool) {
    const int32_t i = nearest(at.i * pool->stride_h - pool->pad_h + a, pool->x_h);
    return (place){i, nearest(at.j * pool->stride_w - pool->pad_w + b, pool->x_w)};
}

// Two pixels: the output bytes of all channels but those behind the last whole group of four.
INLINED void finish_groups(
    int8_t *y, int8_t *right, const int16_t *v, int32_t quads, const conv2d_packed_params *p, const column_loops *loops
) {
    columns_to_bytes *const output = p->output.rectifies ? loops->rectified : loops->output;
    const int32_t groups = p->window.y_c / 4;
    if (groups > 0) output(y, right, v, p->weights, quads, groups, p->output.channels);
}

// The sums of the channels behind, up to three, as of four.    sums (4, 2)
INLINED void sum_rest(
    int32_t *sums, const int16_t *v, int32_t quads, const conv2d_packed_params *p, const column_loops *loops
) {
    loops->dot(sums, v, p->weights + loops->numbers * (p->window.y_c & ~3) * quads, quads, 1, 0);
}

INLINED void finish_rest(int8_t *y, int8_t *right, const int32_t *sums, const conv2d_packed_params *p) {
    const int32_t y_c = p->window.y_c, done = y_c & ~3;
    const packed_output rest = {p->output.channels + 4 * done, INT8_MIN, INT8_MAX, p->output.rectifies};
    columns_finish_s8(y + done, right + done, sums, y_c - done, &rest);
}

// Two pixels without a pooling.
INLINED void finish_pixels(
    int8_t *y, int8_t *right, int32_t *sums, const int16_t *v, int32_t quads, const conv2d_packed_params *p,
    const column_loops *loops
) {
    finish_groups(y, right, v, quads, p, loops);
    if (p->window.y_c % 4 == 0) return;
    sum_rest(sums, v, quads, p, loops);
    finish_rest(y, right, sums, p);
}
