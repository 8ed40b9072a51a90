// What an LSTM makes of its gates' inputs: gates in int16 with 15 fraction bits, by a table of the logistic function, as in
// TensorFlow Lite Micro. The plain kernel and the packed one differ only in how they multiply.
#pragma once
#include "kernels.h"
#include "requantize.h"

enum { FORGET, INPUT, CELL, OUTPUT, GATES };
enum { THREE = 3 };  // the table's steps are 1/24, those of a gate 1/4096

static inline int16_t clamp_s16(int32_t value) {
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

// Between two entries of the table of 65536 / (1 + exp(-k / 24)), with `bits` more bits, or `most` beyond them; x not
// negative.
static inline int32_t sigmoid_of(int32_t x, int32_t bits, int32_t most, const int16_t *table) {
    const int32_t k = x >> bits;
    if (k >= 255) return most;
    const int32_t low = table[k] + 65536 / 2;
    return low * (1 << bits) + (x & ((1 << bits) - 1)) * (table[k + 1] + 65536 / 2 - low);
}

// 1 / (1 + exp(-x / 4096)), 15 fraction bits
static inline int16_t sigmoid(int32_t x, const int16_t *table) {
    enum { BITS = 9, ONE = 1 << (16 + BITS), HALF = 1 << BITS };
    x *= THREE;
    const int32_t size = x < 0 ? -x : x;
    const int32_t value = sigmoid_of(size, BITS, INT16_MAX << (BITS + 1), table);
    return (int16_t)((x >= 0 ? value + HALF : ONE - value + HALF - 1) >> (BITS + 1));
}

// tanh(x / 4096 / 3) for x not scaled by three yet, 15 fraction bits
static inline int16_t tanh_of(int32_t x, const int16_t *table) {
    enum { BITS = 8, ONE = 1 << (15 + BITS), HALF = 1 << (BITS - 1) };
    const int32_t size = x < 0 ? -x : x;
    const int32_t value = sigmoid_of(size, BITS, UINT16_MAX << BITS, table);
    return (int16_t)((x >= 0 ? value - ONE + HALF : -value + ONE + HALF - 1) >> BITS);
}

static inline int32_t limited(int32_t cell, int32_t limit) {
    return cell > limit ? limit : cell < -limit ? -limit : cell;
}

// What goes into the function of a gate, 12 fraction bits, from its two sums    scale (4,)
static inline int16_t gate_input(int32_t of_x, int32_t of_hidden, const int32_t *scale) {
    return clamp_s16(clamp_s16(requantize(of_x, scale[0], scale[1])) + clamp_s16(requantize(of_hidden, scale[2], scale[3])));
}

// The hidden state of a unit from what goes into its four gates, and from its cell, which is updated
static inline int8_t lstm_unit(int16_t *cell, const int16_t *inputs, const lstm_cell *p) {
    const int16_t forget = sigmoid(inputs[FORGET], p->sigmoid), input = sigmoid(inputs[INPUT], p->sigmoid);
    const int16_t proposed = tanh_of(THREE * inputs[CELL], p->sigmoid), output = sigmoid(inputs[OUTPUT], p->sigmoid);
    const int16_t kept = clamp_s16(requantize(forget * *cell, p->forget_multiplier, p->forget_shift));
    const int16_t added = clamp_s16(requantize(input * proposed, p->input_multiplier, p->input_shift));
    *cell = clamp_s16(kept + added);
    *cell = (int16_t)limited(*cell, p->cell_limit);
    const int32_t half = p->tanh_shift > 0 ? 1 << (p->tanh_shift - 1) : 0;
    const int32_t shown = tanh_of((*cell * p->tanh_multiplier + half) >> p->tanh_shift, p->sigmoid) * output;
    return clamp_s8(requantize(shown, p->y_multiplier, p->y_shift) + p->y_zero_point, INT8_MIN, INT8_MAX);
}
