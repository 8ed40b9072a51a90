// Convolution with weights of 16 bits.
#include "conv2d_columns.h"

void conv2d_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    static const column_loops loops = {columns_output_s16, columns_rectified_s16};
    conv2d_columns(y, x, scratch, p, &loops);
}
