// Average pooling of few enough pixels that 16 bits hold their sums: four channels at a time, two in a word.
#include "packed.h"

// sum / count, rounded to nearest, halves away from zero
static __attribute__((noinline)) int32_t mean(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

void average_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p) {
    const window_geometry *g = &p->window;
    const int32_t row = g->x_w * g->x_c, count = g->k_h * g->k_w;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            const int8_t *window = x + i * g->stride_h * row + j * g->stride_w * g->x_c;
            for (int32_t c = 0; c < g->y_c; c += 4, y += 4) {
                uint32_t even = 0, odd = 0;
                for (int32_t a = 0; a < g->k_h; a++) {
                    const int8_t *pixel = window + a * row + c;
                    for (int32_t b = 0; b < g->k_w; b++, pixel += g->x_c) {
                        even = add_pairs(even, even_bytes(load_word(pixel)));
                        odd = add_pairs(odd, odd_bytes(load_word(pixel)));
                    }
                }
                const int32_t sums[4] = {low_half(even), low_half(odd), high_half(even), high_half(odd)};
                for (int32_t k = 0; k < 4; k++) y[k] = (int8_t)mean(sums[k], count);
            }
            limit_s8(y - g->y_c, g->y_c, p->y_min, p->y_max);
        }
    }
}
