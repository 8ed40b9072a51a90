// What the convolutions that go over pixels two by two have in common, whatever they see.
#pragma once
#include "columns.h"
#include "packed.h"

typedef void columns_to_bytes(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups, const int32_t *channels,
    int32_t again
);

// The loops of columns.h for one layout of weights.
typedef struct {
    columns_to_bytes *output, *rectified;
} column_loops;

// The index inside [0, n) that lies nearest to i. A pooling window at the border has some of its pixels again instead of
// those outside, which changes no maximum.
INLINED int32_t nearest(int32_t i, int32_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

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

// Two pixels from what they see. Of fewer than four filters the bytes of four go to `few` (8,) first.
INLINED void finish_pixels(
    int8_t *y, int8_t *right, int8_t *few, const int16_t *v, int32_t quads, const conv2d_packed_params *p,
    const column_loops *loops
) {
    columns_to_bytes *const output = p->output.rectifies ? loops->rectified : loops->output;
    const int32_t y_c = p->window.y_c;
    if (y_c >= 4) {
        output(y, right, v, p->weights, quads, y_c / 4, p->output.channels, -y_c & 3);
        return;
    }
    output(few, few + 4, v, p->weights, quads, 1, p->output.channels, 0);
    for (int32_t o = 0; o < y_c; o++) {
        y[o] = few[o];
        right[o] = few[4 + o];
    }
}

// y[o] = max(y[o], other[o])    (n,)
INLINED void raise_word(int8_t *y, const int8_t *other) { store_word(y, larger_bytes(load_word(y), load_word(other))); }
INLINED void raise_bytes(int8_t *y, const int8_t *other, int32_t n) {
    const int8_t *const end = y + n;
    if (n < 4) {
        for (; y != end; y++, other++) *y = *other > *y ? *other : *y;
        return;
    }
    for (; end - y >= 4; y += 4, other += 4) raise_word(y, other);
    if (y != end) raise_word(y - (4 - n % 4), other - (4 - n % 4));
}
