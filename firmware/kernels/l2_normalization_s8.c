// Rows scaled to length one: their squares summed up, and one inverse square root by Newton's method, step by step as in
// TensorFlow Lite Micro.
#include "kernels.h"
#include "requantize.h"

enum { Y_FRACTION_BITS = 7 };

// value * 2^shift, at most INT32_MAX and at least INT32_MIN
static int32_t saturated(int64_t value, int32_t shift) {
    value *= (int64_t)1 << shift;
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

// 1 / sqrt(x) = *multiplier * 2^(*shift - 31), x in [0, 2^31); 0 counts as 1. The iteration has 28 fraction bits.
static void inverse_sqrt(int32_t x, int32_t *multiplier, int32_t *shift) {
    if (x <= 1) {
        *multiplier = INT32_MAX;
        *shift = 0;
        return;
    }
    int32_t right = 11;
    for (; x >= 1 << 29; x /= 4) right++;
    for (; x < 1 << 27; x *= 4) right--;
    const int32_t half = divide_by_power_of_two(x >> 1, 1);
    int32_t root = 1 << 28;
    for (int step = 0; step < 5; step++) {
        const int32_t cube = saturated(multiply_high(multiply_high(root, root), root), 6);
        root = saturated((int64_t)multiply_high(3 << 27, root) - multiply_high(half, cube), 3);
    }
    root = multiply_high(root, 1518500250);  // sqrt(1/2)
    *multiplier = right < 0 ? root * (1 << -right) : root;
    *shift = right < 0 ? 0 : -right;
}

void l2_normalization_s8(int8_t *y, const int8_t *x, const l2_normalization_params *p) {
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c, y += p->x_c) {
        int32_t sum = 0, multiplier, shift;
        for (int32_t c = 0; c < p->x_c; c++) sum += (x[c] - p->x_zero_point) * (x[c] - p->x_zero_point);
        inverse_sqrt(sum, &multiplier, &shift);
        for (int32_t c = 0; c < p->x_c; c++) {
            const int32_t value = requantize(x[c] - p->x_zero_point, multiplier, shift + Y_FRACTION_BITS);
            y[c] = clamp_s8(value, INT8_MIN, INT8_MAX);
        }
    }
}
