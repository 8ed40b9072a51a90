// A long short-term memory over a sequence: the four gates of a unit are multiplied side by side.
#include <string.h>

#include "dsp.h"
#include "dsp_kernels.h"
#include "lstm.h"

// One step from wide_x (x_c,) and wide_hidden (y_c,) in quads
static void lstm_packed_step(
    int8_t *next, int16_t *cell, const int16_t *wide_x, const int16_t *wide_hidden, const lstm_packed_params *p
) {
    const int8_t *x_weights = p->x_weights, *hidden_weights = p->hidden_weights;
    const int32_t *bias = p->bias, *scale = p->scales, x_quads = (p->x_c + 3) / 4, y_quads = (p->y_c + 3) / 4;
    for (int32_t o = 0; o < p->y_c; o++, bias += 2 * GATES) {
        const int16_t *from_x = wide_x, *from_hidden = wide_hidden;
        const sums_4 x = dot_4_s8(&from_x, &x_weights, x_quads), h = dot_4_s8(&from_hidden, &hidden_weights, y_quads);
        const int16_t inputs[GATES] = {
            gate_input(bias[0] + x.a, bias[4] + h.a, scale),
            gate_input(bias[1] + x.b, bias[5] + h.b, scale + 4),
            gate_input(bias[2] + x.c, bias[6] + h.c, scale + 8),
            gate_input(bias[3] + x.d, bias[7] + h.d, scale + 12),
        };
        next[o] = lstm_unit(cell + o, inputs, &p->cell);
    }
}

void lstm_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const lstm_packed_params *p) {
    const int32_t x_quads = (p->x_c + 3) / 4, y_quads = (p->y_c + 3) / 4;
    int16_t *wide_x = (int16_t *)(void *)scratch, *wide_hidden = wide_x + 4 * x_quads, *cell = wide_hidden + 4 * y_quads;
    memset(cell, 0, 2 * (size_t)p->y_c);
    memset(y, p->cell.y_zero_point, (size_t)p->y_c);  // the state before the first step
    const int8_t *hidden = y;
    for (int32_t t = 0; t < p->steps; t++, x += p->x_c, y += p->y_c) {
        widen(wide_x, x, p->x_c);
        widen(wide_hidden, hidden, p->y_c);
        lstm_packed_step(y, cell, wide_x, wide_hidden, p);
        hidden = y;
    }
}
