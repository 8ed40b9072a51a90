// A long short-term memory over a sequence, from a state of zero.
#include "lstm.h"

#include <string.h>

#include "inner_product.h"

// One step: next (y_c,) from x (x_c,), hidden (y_c,) and cell (y_c,), which is updated
static void lstm_step(int8_t *next, int16_t *cell, const int8_t *x, const int8_t *hidden, const lstm_params *p) {
    for (int32_t o = 0; o < p->y_c; o++) {
        int16_t inputs[GATES];
        for (int32_t g = 0; g < GATES; g++) {
            const int32_t k = g * p->y_c + o;
            inputs[g] = gate_input(
                inner_product(p->x_bias[k], x, p->x_weights + k * p->x_c, p->x_c),
                inner_product(p->hidden_bias[k], hidden, p->hidden_weights + k * p->y_c, p->y_c), p->scales + 4 * g
            );
        }
        next[o] = lstm_unit(cell + o, inputs, &p->cell);
    }
}

void lstm_s8(int8_t *y, const int8_t *x, int8_t *scratch, const lstm_params *p) {
    int16_t *cell = (int16_t *)(void *)scratch;
    int8_t *hidden = scratch + 2 * p->y_c;
    memset(cell, 0, 2 * (size_t)p->y_c);
    memset(hidden, p->cell.y_zero_point, (size_t)p->y_c);
    for (int32_t t = 0; t < p->steps; t++, x += p->x_c, y += p->y_c) {
        lstm_step(y, cell, x, t ? y - p->y_c : hidden, p);
    }
}
