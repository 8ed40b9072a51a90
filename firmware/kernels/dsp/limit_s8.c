// The clamp of the packed kernels, which most layers do not need: saturating to int8 was enough.
#include "packed.h"

void limit_s8(int8_t *y, int32_t y_c, int32_t y_min, int32_t y_max) {
    if (y_min == INT8_MIN && y_max == INT8_MAX) return;
    for (int32_t o = 0; o < y_c; o++) {
        if (y[o] < y_min) y[o] = (int8_t)y_min;
        if (y[o] > y_max) y[o] = (int8_t)y_max;
    }
}
