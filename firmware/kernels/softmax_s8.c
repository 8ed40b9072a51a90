// Softmax in integers, bit for bit TensorFlow Lite Micro's: exponentials with 31 fraction bits (from a table made at
// export, where TFLM evaluates a polynomial), their sum with 19, and one reciprocal by Newton's method.
#include "kernels.h"
#include "reciprocal.h"
#include "requantize.h"

enum { OUTPUT_BITS = 8 };

// exp(-d) of the table; 0 beyond its end.
static int32_t exp_of(int32_t d, const softmax_params *p) { return d < p->exp_count ? p->exp[d] : 0; }

// x (n,)  y (n,)
static void softmax_row(int8_t *y, const int8_t *x, int32_t n, const softmax_params *p) {
    int32_t max = INT8_MIN;
    for (int32_t c = 0; c < n; c++) max = x[c] > max ? x[c] : max;

    uint32_t sum = 0;
    for (int32_t c = 0; c < n; c++) sum += (uint32_t)divide_by_power_of_two(exp_of(max - x[c], p), SUM_INTEGER_BITS);

    // sum = (1 + f) * 2^integer_bits: moved up until its leading one, worth 1, is the top bit.
    int32_t integer_bits = SUM_INTEGER_BITS;
    for (; !(sum >> 31); sum <<= 1) integer_bits--;
    const int32_t shift = integer_bits + 31 - OUTPUT_BITS;  // above 31 every probability is below 1/512: TFLM aborts
    const int32_t scale = reciprocal_of_one_plus((int32_t)(sum & INT32_MAX));

    for (int32_t c = 0; c < n; c++) {
        const int32_t probability = multiply_high(scale, exp_of(max - x[c], p));
        const int32_t steps = shift > 31 ? 0 : divide_by_power_of_two(probability, shift);
        y[c] = clamp_s8(steps + INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

void softmax_s8(int8_t *y, const int8_t *x, const softmax_params *p) {
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c, y += p->x_c) softmax_row(y, x, p->x_c, p);
}
