// Every output pixel is a pixel of the input.
#include <string.h>

#include "kernels.h"

void resize_nearest_s8(int8_t *y, const int8_t *x, const resize_nearest_params *p) {
    for (int32_t i = 0; i < p->y_h; i++) {
        for (int32_t j = 0; j < p->y_w; j++, y += p->x_c) {
            memcpy(y, x + p->rows[i] + p->columns[j], (size_t)p->x_c);
        }
    }
}
