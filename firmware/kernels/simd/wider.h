// The same kernels with vectors that not every processor of the kind has, to be taken where `has_wider`.
#pragma once
#include "simd_kernels.h"

#if defined(__x86_64__) && !defined(__AVX2__) && !defined(SIMD_PLAIN) && !defined(SIMD_BASELINE)
#define WIDER
extern int has_wider;  // set before main()

void conv2d_wider_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_simd_params *p);
void depthwise_conv2d_wider_s8(int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_simd_params *p);
#endif
