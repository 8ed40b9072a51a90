// AVX2, for a program that is made for any x86-64.
#include "wider.h"

#ifdef WIDER
#include <cpuid.h>

#define SIMD_AVX2
#include "conv2d_simd.h"
#include "depthwise_conv2d_simd.h"

int has_wider = 0;

// Whether the processor has it, and the system keeps its registers.
__attribute__((constructor)) static void look(void) {
    unsigned a, b, c, d, kept, unused;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return;
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(unused) : "c"(0));
    has_wider = (kept & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2);
}

void conv2d_wider_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_simd_params *p) {
    conv2d_simd(y, x, scratch, p);
}

void depthwise_conv2d_wider_s8(int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_simd_params *p) {
    depthwise_conv2d_simd(y, x, scratch, p);
}
#else
typedef int empty;  // a file of C has to have something in it
#endif
