// What the pooling kernels share: the part of a window that lies inside the image, and the rounding of a mean.
#pragma once
#include "kernels.h"

typedef struct {
    int32_t top, bottom, left, right;  // rows [top, bottom), columns [left, right)
} image_part;

static inline int32_t larger_of(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t smaller_of(int32_t a, int32_t b) { return a < b ? a : b; }

// What the output pixel (i, j) sees.
static inline image_part seen_from(const window_geometry *g, int32_t i, int32_t j) {
    const int32_t row = i * g->stride_h - g->pad_h, column = j * g->stride_w - g->pad_w;
    const image_part part = {
        larger_of(row, 0), smaller_of(row + g->k_h, g->x_h), larger_of(column, 0), smaller_of(column + g->k_w, g->x_w)
    };
    return part;
}

// sum / count, rounded to nearest, halves away from zero
static inline int32_t rounded_mean(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}
