// A packed convolution of a small image: what lies outside is laid around it first, so that no window is at the border.
#include <string.h>

#include "dsp_kernels.h"

void conv2d_padded_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_padded_params *p) {
    const window_geometry *g = &p->conv.window;
    const size_t row = (size_t)g->x_w * g->x_c, x_row = (size_t)p->x_w * g->x_c;
    memset(scratch, p->conv.x_zero_point, (size_t)p->padded_bytes);
    int8_t *to = scratch + (size_t)p->pad_h * row + (size_t)p->pad_w * g->x_c;
    for (int32_t i = 0; i < p->x_h; i++, to += row, x += x_row) memcpy(to, x, x_row);
    conv2d_packed_s8(y, scratch, scratch + p->padded_bytes, &p->conv);
}
