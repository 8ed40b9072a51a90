// Convolution with weights of one byte, each filter by itself: for sums that leave no room for a second filter's.
#include "conv2d_columns.h"

void conv2d_wide_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    static const column_loops loops = {columns_output_s8, columns_rectified_s8};
    conv2d_columns(y, x, scratch, p, &loops);
}
