// Every output pixel lies between four pixels of the input.
#include "kernels.h"

enum { FRACTION_BITS = 10 };  // of a place along one axis

// a + (b - a) * fraction, with FRACTION_BITS more fraction bits than a and b have
static int32_t between(int32_t a, int32_t b, int32_t fraction) {
    return a * (1 << FRACTION_BITS) + (b - a) * fraction;
}

void resize_bilinear_s8(int8_t *y, const int8_t *x, const resize_bilinear_params *p) {
    const int32_t half = 1 << (2 * FRACTION_BITS - 1), one = 2 * half;
    for (int32_t i = 0; i < p->y_h; i++) {
        const int32_t *row = p->rows + 3 * i;
        for (int32_t j = 0; j < p->y_w; j++, y += p->x_c) {
            const int32_t *column = p->columns + 3 * j;
            const int8_t *above = x + row[0], *below = x + row[1];
            for (int32_t c = 0; c < p->x_c; c++) {
                const int32_t left = between(above[column[0] + c], below[column[0] + c], row[2]);
                const int32_t right = between(above[column[1] + c], below[column[1] + c], row[2]);
                const int32_t value = between(left, right, column[2]);
                y[c] = (int8_t)((value + (value > 0 ? half : -half)) / one);
            }
        }
    }
}
