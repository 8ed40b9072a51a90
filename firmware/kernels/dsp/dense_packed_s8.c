// Fully connected layer, four outputs at a time.
#include "packed.h"

void dense_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const dense_packed_params *p) {
    int32_t *acc = (int32_t *)(void *)scratch;
    const int32_t groups = (p->y_c + 3) / 4, quads = (p->x_c + 3) / 4;
    int16_t *wide = (int16_t *)(void *)(acc + 4 * groups);
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c, y += p->y_c) {
        widen(wide, x, p->x_c);
        const int8_t *weights = p->weights;
        for (int32_t g = 0; g < groups; g++) {
            const int16_t *v = wide;
            const sums_4 s = dot_4_s8(&v, &weights, quads);
            acc[4 * g] = 2 * s.a;
            acc[4 * g + 1] = 2 * s.b;
            acc[4 * g + 2] = 2 * s.c;
            acc[4 * g + 3] = 2 * s.d;
        }
        finish_s8(y, acc, p->y_c, &p->output);
    }
}
