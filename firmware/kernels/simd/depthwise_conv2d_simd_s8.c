// See depthwise_conv2d_simd.h.
#include "depthwise_conv2d_simd.h"
#include "wider.h"

void depthwise_conv2d_simd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_simd_params *p) {
#ifdef WIDER
    if (has_wider) depthwise_conv2d_wider_s8(y, x, scratch, p);
    else
#endif
        depthwise_conv2d_simd(y, x, scratch, p);
}
