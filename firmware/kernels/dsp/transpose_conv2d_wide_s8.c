// Transposed convolution with one byte a weight, each filter by itself.
#include "transpose_conv2d.h"

void transpose_conv2d_wide_s8(int8_t *y, const int8_t *x, int8_t *scratch, const transpose_conv2d_packed_params *p) {
    transpose_conv2d_rows(y, x, scratch, p, conv2d_wide_s8);
}
