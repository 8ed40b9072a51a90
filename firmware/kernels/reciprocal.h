// What softmax and its logarithm have in common: a sum of exponentials and one reciprocal in fixed point, as TensorFlow
// Lite Micro steps through it.
#pragma once
#include "requantize.h"

enum { SUM_INTEGER_BITS = 12 };  // of a sum of exponentials, as softmax and its logarithm keep it

// 1 / (1 + f) with 31 fraction bits, for f in [0, 1) with 31 fraction bits.
// Newton's method for 1 / h with h = (1 + f) / 2 in [1/2, 1), from the line 48/17 - 32/17 h; n has 29 fraction bits.
static inline int32_t reciprocal_of_one_plus(int32_t f) {
    const int32_t h = (int32_t)(((int64_t)f + INT32_MAX + 1) / 2);
    int32_t n = 1515870810 + multiply_high(h, -1010580540);
    for (int step = 0; step < 3; step++) n += multiply_high(n, (1 << 29) - multiply_high(h, n)) * 4;
    return n < 1 << 30 ? n * 2 : INT32_MAX;
}
