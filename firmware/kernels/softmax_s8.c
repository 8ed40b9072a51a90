// Softmax in integers, bit for bit TensorFlow Lite Micro's: exponentials with 31 fraction bits (from a table made at
// export, where TFLM evaluates a polynomial), their sum with 19, and one reciprocal by Newton's method.
#include "kernels.h"
#include "reciprocal.h"
#include "requantize.h"

enum { OUTPUT_BITS = 8 };

// a / 2^shift, rounded to nearest, halves upwards; a at most 2^31, shift in [1, 31]
static inline uint32_t rounded_quotient(uint32_t a, int32_t shift) { return (a + (1u << (shift - 1))) >> shift; }

// exp(-d) of the table; 0 beyond its end.
static inline int32_t exp_of(int32_t d, const softmax_params *p) { return d < p->exp_count ? p->exp[d] : 0; }

// x (n,)  y (n,)
static void softmax_row(int8_t *y, const int8_t *x, int32_t n, const softmax_params *p) {
    int32_t max = INT8_MIN;
    for (int32_t c = 0; c < n; c++) max = x[c] > max ? x[c] : max;

    uint32_t sum = 0;
    for (int32_t c = 0; c < n; c++) sum += rounded_quotient((uint32_t)exp_of(max - x[c], p), SUM_INTEGER_BITS);

    // sum = (1 + f) * 2^integer_bits: moved up until its leading one, worth 1, is the top bit.
    int32_t integer_bits = SUM_INTEGER_BITS;
    for (; !(sum >> 31); sum <<= 1) integer_bits--;
    const int32_t shift = integer_bits + 31 - OUTPUT_BITS;  // above 31 every probability is below 1/512: TFLM aborts
    const int32_t scale = reciprocal_of_one_plus((int32_t)(sum & INT32_MAX));

    for (int32_t c = 0; c < n; c++) {
        const uint32_t probability = (uint32_t)multiply_high(scale, exp_of(max - x[c], p));
        const int32_t steps = shift > 31 ? 0 : (int32_t)rounded_quotient(probability, shift);
        y[c] = (int8_t)((steps < UINT8_MAX ? steps : UINT8_MAX) + INT8_MIN);
    }
}

void softmax_s8(int8_t *y, const int8_t *x, const softmax_params *p) {
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c, y += p->x_c) softmax_row(y, x, p->x_c, p);
}
