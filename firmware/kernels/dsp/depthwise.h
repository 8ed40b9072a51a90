// The inner loop of the packed depthwise convolution with a vertical stride of 1.
#pragma once
#include "dsp.h"
#include "packed.h"

typedef struct {
    int32_t x_row;  // bytes of a row of pairs: (columns of y + 2) words
    int32_t y_c;
    int32_t y_row;  // bytes
    int32_t rows;   // of y, at least 1; the last of an odd number is computed twice
} depthwise_rows;

// One channel: rows 2 k and 2 k + 1 of y from rows k and k + 1 of x, whose words are pixels that lie above each other.
// channel (10,), as in depthwise_conv2d_packed_params
void depthwise_rows_s8(int8_t *y, const uint32_t *x, const int32_t *channel, const depthwise_rows *p);
