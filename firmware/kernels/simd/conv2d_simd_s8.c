// See conv2d_simd.h.
#include "conv2d_simd.h"
#include "wider.h"

void conv2d_simd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_simd_params *p) {
#ifdef WIDER
    if (has_wider) conv2d_wider_s8(y, x, scratch, p);
    else
#endif
        conv2d_simd(y, x, scratch, p);
}
