// Transposed convolution with weights of 16 bits.
#include "transpose_conv2d.h"

void transpose_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const transpose_conv2d_packed_params *p
) {
    transpose_conv2d_rows(y, x, scratch, p, conv2d_packed_s8);
}
