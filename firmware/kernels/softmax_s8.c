// Softmax in integers, bit for bit TensorFlow Lite Micro's: exponentials with 31 fraction bits (from a table made at
// export, where TFLM evaluates a polynomial), their sum with 19, and one reciprocal by Newton's method.
#include "kernels.h"
#include "requantize.h"

enum { SUM_INTEGER_BITS = 12, OUTPUT_BITS = 8 };

// exp(-d) of the table; 0 beyond its end.
static int32_t exp_of(int32_t d, const softmax_params *p) { return d < p->exp_count ? p->exp[d] : 0; }

// 1 / (1 + f) with 31 fraction bits, for f in [0, 1) with 31 fraction bits.
// Newton's method for 1 / h with h = (1 + f) / 2 in [1/2, 1), from the line 48/17 - 32/17 h; n has 29 fraction bits.
static int32_t reciprocal_of_one_plus(int32_t f) {
    const int32_t h = (int32_t)(((int64_t)f + INT32_MAX + 1) / 2);
    int32_t n = 1515870810 + multiply_high(h, -1010580540);
    for (int step = 0; step < 3; step++) n += multiply_high(n, (1 << 29) - multiply_high(h, n)) * 4;
    return n < 1 << 30 ? n * 2 : INT32_MAX;
}

// x (n,)  y (n,)
static void softmax_row(int8_t *y, const int8_t *x, int32_t n, const softmax_params *p) {
    int32_t max = INT8_MIN;
    for (int32_t c = 0; c < n; c++) max = x[c] > max ? x[c] : max;

    uint32_t sum = 0;
    for (int32_t c = 0; c < n; c++) sum += (uint32_t)divide_by_power_of_two(exp_of(max - x[c], p), SUM_INTEGER_BITS);

    // sum = (1 + f) * 2^integer_bits: moved up until its leading one, worth 1, is the top bit.
    int32_t integer_bits = SUM_INTEGER_BITS;
    for (; !(sum >> 31); sum <<= 1) integer_bits--;
    const int32_t scale = reciprocal_of_one_plus((int32_t)(sum & INT32_MAX));

    for (int32_t c = 0; c < n; c++) {
        const int32_t probability = multiply_high(scale, exp_of(max - x[c], p));
        const int32_t steps = divide_by_power_of_two(probability, integer_bits + 31 - OUTPUT_BITS);
        y[c] = clamp_s8(steps + INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

void softmax_s8(int8_t *y, const int8_t *x, const softmax_params *p) {
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c, y += p->x_c) softmax_row(y, x, p->x_c, p);
}
