// A long short-term memory over a sequence, from a state of zero: gates in int16 with 15 fraction bits, by a table of the
// logistic function, as in TensorFlow Lite Micro.
#include <string.h>

#include "kernels.h"
#include "requantize.h"

enum { FORGET, INPUT, CELL, OUTPUT, GATES };
enum { THREE = 3 };  // the table's steps are 1/24, those of a gate 1/4096

static int16_t clamp_s16(int32_t value) {
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

// Between two entries of the table of 65536 / (1 + exp(-k / 24)), with `bits` more bits; x not negative.
static int32_t sigmoid_of(int32_t x, int32_t bits, const int16_t *table) {
    const int32_t k = x >> bits, low = table[k] + 65536 / 2;
    return low * (1 << bits) + (x & ((1 << bits) - 1)) * (table[k + 1] + 65536 / 2 - low);
}

// 1 / (1 + exp(-x / 4096)), 15 fraction bits
static int16_t sigmoid(int32_t x, const int16_t *table) {
    enum { BITS = 9, ONE = 1 << (16 + BITS), HALF = 1 << BITS };
    x *= THREE;
    const int32_t size = x < 0 ? -x : x;
    const int32_t value = size >> BITS >= 255 ? INT16_MAX << (BITS + 1) : sigmoid_of(size, BITS, table);
    return (int16_t)((x >= 0 ? value + HALF : ONE - value + HALF - 1) >> (BITS + 1));
}

// tanh(x / 4096 / 3) for x not scaled by three yet, 15 fraction bits
static int16_t tanh_of(int32_t x, const int16_t *table) {
    enum { BITS = 8, ONE = 1 << (15 + BITS), HALF = 1 << (BITS - 1) };
    const int32_t size = x < 0 ? -x : x;
    const int32_t value = size >> BITS >= 255 ? UINT16_MAX << BITS : sigmoid_of(size, BITS, table);
    return (int16_t)((x >= 0 ? value - ONE + HALF : -value + ONE + HALF - 1) >> BITS);
}

// x (x_c,)  weights (x_c,)
static int32_t dot(const int8_t *x, const int8_t *weights, int32_t x_c) {
    int32_t sum = 0;
    for (int32_t c = 0; c < x_c; c++) sum += x[c] * weights[c];
    return sum;
}

// What goes into the function of gate g of unit o: 12 fraction bits
static int16_t gate_input(int32_t g, int32_t o, const int8_t *x, const int8_t *hidden, const lstm_params *p) {
    const int32_t k = g * p->y_c + o, *scale = p->scales + 4 * g;
    const int32_t of_x = p->x_bias[k] + dot(x, p->x_weights + k * p->x_c, p->x_c);
    const int32_t of_hidden = p->hidden_bias[k] + dot(hidden, p->hidden_weights + k * p->y_c, p->y_c);
    return clamp_s16(clamp_s16(requantize(of_x, scale[0], scale[1])) + clamp_s16(requantize(of_hidden, scale[2], scale[3])));
}

static int32_t limited(int32_t cell, int32_t limit) { return cell > limit ? limit : cell < -limit ? -limit : cell; }

// One step: next (y_c,) from x (x_c,), hidden (y_c,) and cell (y_c,), which is updated
static void lstm_step(int8_t *next, int16_t *cell, const int8_t *x, const int8_t *hidden, const lstm_params *p) {
    for (int32_t o = 0; o < p->y_c; o++) {
        const int16_t forget = sigmoid(gate_input(FORGET, o, x, hidden, p), p->sigmoid);
        const int16_t input = sigmoid(gate_input(INPUT, o, x, hidden, p), p->sigmoid);
        const int16_t proposed = tanh_of(THREE * gate_input(CELL, o, x, hidden, p), p->sigmoid);
        const int16_t output = sigmoid(gate_input(OUTPUT, o, x, hidden, p), p->sigmoid);
        const int16_t kept = clamp_s16(requantize(forget * cell[o], p->forget_multiplier, p->forget_shift));
        const int16_t added = clamp_s16(requantize(input * proposed, p->input_multiplier, p->input_shift));
        cell[o] = clamp_s16(kept + added);
        if (p->cell_limit > 0) cell[o] = (int16_t)limited(cell[o], p->cell_limit);
        const int32_t half = p->tanh_shift > 0 ? 1 << (p->tanh_shift - 1) : 0;
        const int32_t shown = tanh_of((cell[o] * p->tanh_multiplier + half) >> p->tanh_shift, p->sigmoid) * output;
        next[o] = clamp_s8(requantize(shown, p->y_multiplier, p->y_shift) + p->y_zero_point, INT8_MIN, INT8_MAX);
    }
}

void lstm_s8(int8_t *y, const int8_t *x, int8_t *scratch, const lstm_params *p) {
    int16_t *cell = (int16_t *)(void *)scratch;
    int8_t *hidden = scratch + 2 * p->y_c;
    memset(cell, 0, 2 * (size_t)p->y_c);
    memset(hidden, p->y_zero_point, (size_t)p->y_c);
    for (int32_t t = 0; t < p->steps; t++, x += p->x_c, y += p->y_c) {
        lstm_step(y, cell, x, t ? y - p->y_c : hidden, p);
    }
}
