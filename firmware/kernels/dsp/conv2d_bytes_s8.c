// Convolution with weights of one byte: two filters in each number of 16 bits.
#include "conv2d_columns.h"

void conv2d_bytes_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    static const column_loops loops = {columns_output_bytes, columns_rectified_bytes};
    conv2d_columns(y, x, scratch, p, &loops);
}
