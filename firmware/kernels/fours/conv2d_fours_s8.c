// Convolution with four pixels times four filters at a time, for cores with registers for sixteen sums: each byte that is
// loaded serves four multiplications.
#include "sixteen_sums.h"

INLINED int32_t largest(const int32_t *sums) {
    const int32_t a = sums[0] > sums[1] ? sums[0] : sums[1], b = sums[2] > sums[3] ? sums[2] : sums[3];
    return a > b ? a : b;
}

void conv2d_fours_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_fours_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t y_c = g->y_c;
    const int pools = pool->k_h > 1;
    const int8_t *const end = y + pool->y_h * pool->y_w * y_c;
    int8_t *const start = y;
    seen_value *v = scratch;
    four_places to = {{y, y, y, y}, 0, 0};
    for (int done = 0; !done; y = to.y[PIXELS - 1] + y_c) {
        next_four(&to, y, end, v, x, p->x_zero_point, g, pool);
        const int8_t *w = p->weights;
        const int32_t *channel = p->output.channels;
        for (int32_t o = 0; o < y_c; w += FILTERS * p->taps) {
            int32_t sums[FILTERS * PIXELS];
            sixteen_sums(sums, v, w, p->taps);
            for (const int32_t *s = sums; s != sums + FILTERS * PIXELS && o < y_c; s += PIXELS, o++, channel += 4) {
                const packed_scale scale = packed_channel(channel);
                if (pools) {
                    to.y[0][o] = (int8_t)packed_value(2 * largest(s), &scale);
                } else {
                    for (int32_t k = 0; k < PIXELS; k++) to.y[k][o] = (int8_t)packed_value(2 * s[k], &scale);
                }
            }
        }
        done = to.y[PIXELS - 1] + y_c == end;
    }
    limit_s8(start, (int32_t)(end - start), p->output.y_min, p->output.y_max);
}
