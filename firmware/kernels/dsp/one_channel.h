// One channel seen through windows of up to 3 x 3: what two or four outputs see is laid out once and serves every filter.
// channels (y_c, 8) are those of conv2d_one_channel_params, up to `end`.
#pragma once
#include "packed.h"

enum { ONE_CHANNEL_WORDS = 8 };  // of a filter

// Of four outputs that lie two by two and see neighbouring windows: of four rows pixels 0 and 2, then 1 and 3, as pairs.
typedef struct {
    uint32_t rows[4][2];
} four_windows;

// Of two outputs of a row, for each row of the window: the outer pixels of the left one, those of the right one, and both
// middle ones, as pairs.
typedef struct {
    uint32_t rows[3][3];
} two_windows;

// *y++ = the output byte of the largest of the four sums, for each filter
void one_channel_pooled_s8(int8_t *y, const four_windows *x, const int32_t *channels, const int32_t *end);

// y[0], y[right], y[below], y[below + right] = the four output bytes, y++, for each filter. Those further on are written
// first: where a distance is 0 the nearer output remains.
void one_channel_four_s8(
    int8_t *y, const four_windows *x, const int32_t *channels, const int32_t *end, int32_t right, int32_t below
);

// y[0], y[right] = the two output bytes, likewise.
void one_channel_two_s8(int8_t *y, const two_windows *x, const int32_t *channels, const int32_t *end, int32_t right);
