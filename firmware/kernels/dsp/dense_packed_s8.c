// Fully connected layer, four outputs at a time, and those that make no four one by one.
#include "packed.h"

static int8_t output_byte(int32_t sum, const int32_t *channel) {
    const packed_scale scale = packed_channel(channel);
    return (int8_t)packed_value(2 * sum, &scale);
}

void dense_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const dense_packed_params *p) {
    const int32_t quads = (p->x_c + 3) / 4, y_c = p->y_c;
    int16_t *wide = (int16_t *)(void *)scratch;
    int8_t *const start = y;
    for (int32_t r = p->rows; r > 0; r--, x += p->x_c) {
        widen(wide, x, p->x_c);
        const int8_t *weights = p->weights;
        const int32_t *channel = p->output.channels;
        int32_t left = y_c;
        for (; left >= 4; left -= 4, y += 4, channel += 16) {
            const int16_t *v = wide;
            const sums_4 sums = dot_4_s8(&v, &weights, quads);
            y[0] = output_byte(sums.a, channel);
            y[1] = output_byte(sums.b, channel + 4);
            y[2] = output_byte(sums.c, channel + 8);
            y[3] = output_byte(sums.d, channel + 12);
        }
        for (; left > 0; left--, y++, channel += 4, weights += 4 * quads) {
            *y = output_byte(dot_1_s8(wide, weights, quads), channel);
        }
    }
    limit_s8(start, p->rows * y_c, p->output.y_min, p->output.y_max);
}
