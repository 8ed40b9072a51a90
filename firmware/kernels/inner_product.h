// The multiply-accumulate loop of the plain kernels, unrolled by four.
#pragma once
#include <stdint.h>

// acc + sum_i a[i] * b[i]    a (n,)  b (n,)
static inline int32_t inner_product(int32_t acc, const int8_t *a, const int8_t *b, int32_t n) {
    for (; n >= 4; n -= 4, a += 4, b += 4) {
        acc += a[0] * b[0];
        acc += a[1] * b[1];
        acc += a[2] * b[2];
        acc += a[3] * b[3];
    }
    for (; n > 0; n--) acc += *a++ * *b++;
    return acc;
}
