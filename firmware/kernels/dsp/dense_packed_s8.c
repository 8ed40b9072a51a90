// Fully connected layer, four outputs at a time.
#include "packed.h"

void dense_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const dense_packed_params *p) {
    const int32_t quads = (p->x_c + 3) / 4;
    int16_t *wide = (int16_t *)(void *)scratch;
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c) {
        widen(wide, x, p->x_c);
        const int8_t *weights = p->weights;
        packed_output output = p->output;
        for (int32_t left = p->y_c; left > 0; left -= 4, output.channels += 16) {
            const int16_t *v = wide;
            const sums_4 s = dot_4_s8(&v, &weights, quads);
            const int32_t acc[4] = {2 * s.a, 2 * s.b, 2 * s.c, 2 * s.d}, some = left < 4 ? left : 4;
            finish_s8(y, acc, some, &output);
            y += some;
        }
    }
}
