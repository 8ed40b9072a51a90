// Row by row, in one piece where a row of the window lies inside the image.
#include <string.h>

#include "gather.h"

void gather_s8(
    int8_t *window, const int8_t *x, int32_t top, int32_t left, int32_t x_zero_point, const window_geometry *g
) {
    const size_t pixel = g->x_c, row = pixel * g->k_w;
    const int side_by_side = g->dilation_w == 1 && left >= 0 && left + g->k_w <= g->x_w;
    for (int32_t a = 0; a < g->k_h; a++, window += row) {
        const int32_t i = top + a * g->dilation_h;
        if (i < 0 || i >= g->x_h) {
            memset(window, x_zero_point, row);
        } else if (side_by_side) {
            memcpy(window, x + (i * g->x_w + left) * g->x_c, row);
        } else {
            for (int32_t b = 0; b < g->k_w; b++) {
                const int32_t j = left + b * g->dilation_w;
                if (j < 0 || j >= g->x_w) memset(window + b * g->x_c, x_zero_point, pixel);
                else memcpy(window + b * g->x_c, x + (i * g->x_w + j) * g->x_c, pixel);
            }
        }
    }
}
