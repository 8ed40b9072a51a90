// Every output pixel lies between four pixels of the input.
#include "kernels.h"

enum { FRACTION_BITS = 10, ONE = 1 << FRACTION_BITS, HALF = 1 << (2 * FRACTION_BITS - 1) };  // of a place along one axis

void resize_bilinear_s8(int8_t *y, const int8_t *x, const resize_bilinear_params *p) {
    const int32_t y_w = p->y_w, x_c = p->x_c;
    const int32_t *row = p->rows, *const columns = p->columns;
    for (int32_t i = p->y_h; i > 0; i--, row += 3) {
        const int32_t *column = columns;
        const int32_t down = row[2];
        for (int32_t j = y_w; j > 0; j--, column += 3) {
            // Of the pixel above to the left, above to the right, below to the left and to the right: ONE * ONE together.
            const int32_t down_right = down * column[2], down_left = ONE * down - down_right;
            const int32_t up_right = ONE * column[2] - down_right, up_left = ONE * (ONE - down) - up_right;
            const int8_t *above = x + row[0] + column[0], *below = x + row[1] + column[0];
            const int32_t right = column[1] - column[0];
            for (int32_t c = x_c; c > 0; c--, above++, below++) {
                const int32_t up = up_left * above[0] + up_right * above[right];
                const int32_t value = up + down_left * below[0] + down_right * below[right];
                *y++ = (int8_t)((value + HALF + (value >> 31)) >> (2 * FRACTION_BITS));  // halves away from zero
            }
        }
    }
}
