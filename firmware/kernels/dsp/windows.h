// The loop of the convolution with few filters: whole windows of one filter, from the image as it lies.
#pragma once
#include <stdint.h>

// What four windows and more see that lie side by side.
typedef struct {
    const int8_t *x;
    int32_t at;           // where the first one begins in x
    int32_t rows, words;  // rows of each, at least one; words of a row
    int32_t below, step;  // bytes from a row to the next, and from a window to the next
    int32_t n;            // windows, at least 4
} seen_windows;

// y[k * y_step] = the output byte, before the clamp, of window k in [0, n), if start is the filter's doubled bias.
// table (rows, words, 3): where in its row of a window a word begins, and its weights 0, 2 and 1, 3, doubled.
// channel: a packed_scale. Four at a time: up to three of the last are computed twice.
void windows_output_s8(
    int8_t *y, int32_t y_step, const seen_windows *windows, const int32_t *table, int32_t start, const int32_t *channel
);
