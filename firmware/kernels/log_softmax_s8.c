// Logarithm of softmax in integers, bit for bit TensorFlow Lite Micro's: the exponentials from a table, their sum with 19
// fraction bits, and its logarithm by a rational approximation around the fourth root of one half.
#include "kernels.h"
#include "reciprocal.h"
#include "requantize.h"

enum { LOG_INTEGER_BITS = 5, OUTPUT_SHIFT = 22 };

// Real numbers with 31 fraction bits.
enum {
    LOG_2 = 1488522236,
    SQRT_HALF = 1518500250,
    FOURTH_ROOT_HALF = 1805811301,
    ALPHA_N = 117049297,
    ALPHA_D = 127690142,
    ALPHA_I = 1057819769,
    ALPHA_F = 638450708
};

static int32_t leading_zeros(int32_t x) {
    int32_t n = 0;
    for (uint32_t bits = (uint32_t)x; !(bits >> 31); bits <<= 1) n++;
    return n;
}

// x * 2^shift, at most INT32_MAX; x and shift not negative
static int32_t shifted_up(int32_t x, int32_t shift) {
    const int64_t value = (int64_t)x << shift;
    return value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

// log(x) with 26 fraction bits, x at least 1 with 19 of them
static int32_t log_of(int32_t x) {
    enum { ONE = 1 << (30 - LOG_INTEGER_BITS), QUARTER = ONE / 4 };  // with one bit less, which the sum may need
    const int32_t zeros_a = leading_zeros(x);
    const int32_t r_a = shifted_up(multiply_high(shifted_up(x, zeros_a - 1), SQRT_HALF), 1);
    const int32_t power_a = (SUM_INTEGER_BITS - zeros_a) * ONE + QUARTER;
    const int32_t headroom_b = leading_zeros(multiply_high(x, SQRT_HALF)) - 1;
    const int32_t r_b = shifted_up(x, headroom_b);
    const int32_t power_b = (SUM_INTEGER_BITS - headroom_b) * ONE - QUARTER;

    const int32_t r = r_a < r_b ? r_a : r_b, power = power_a > power_b ? power_a : power_b;
    const int32_t p = (int32_t)(((int64_t)r + FOURTH_ROOT_HALF + 1) / 2);
    const int32_t q = (r - FOURTH_ROOT_HALF) * 2, q2 = multiply_high(q, q);
    const int32_t over = multiply_high(q, r) + multiply_high(multiply_high(q, q2), ALPHA_N);
    const int32_t under = multiply_high(p, ALPHA_I + q + multiply_high(ALPHA_D, q2)) + multiply_high(ALPHA_F, q);
    const int32_t rest = multiply_high(divide_by_power_of_two(over, LOG_INTEGER_BITS + 1), reciprocal_of_one_plus(under));
    return (multiply_high(power, LOG_2) + rest) * 2;
}

// x (n,)  y (n,)
static void log_softmax_row(int8_t *y, const int8_t *x, int32_t n, const log_softmax_params *p) {
    int32_t max = INT8_MIN, sum = 0;
    for (int32_t c = 0; c < n; c++) max = x[c] > max ? x[c] : max;
    for (int32_t c = 0; c < n; c++) {
        const int32_t d = max - x[c];
        if (d < p->exp_count) sum += divide_by_power_of_two(p->exp[d], SUM_INTEGER_BITS);
    }
    const int32_t log_of_sum = log_of(sum);
    const int32_t furthest = requantize(log_of_sum + INT32_MIN, p->reverse_multiplier, p->reverse_shift);
    const int32_t min = furthest > p->min_difference ? furthest : p->min_difference;
    for (int32_t c = 0; c < n; c++) {
        const int32_t d = x[c] - max;
        if (d > min) {
            const int32_t real = (int32_t)((uint32_t)requantize(d, p->multiplier, p->shift) - (uint32_t)log_of_sum);
            y[c] = clamp_s8(divide_by_power_of_two(real, OUTPUT_SHIFT) + INT8_MAX, INT8_MIN, INT8_MAX);
        } else {
            y[c] = INT8_MIN;
        }
    }
}

void log_softmax_s8(int8_t *y, const int8_t *x, const log_softmax_params *p) {
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c, y += p->x_c) log_softmax_row(y, x, p->x_c, p);
}
