// Convolution with two filters in one multiplication, and the 2 x 2 max pooling that follows it or none.
#include "halves.h"

// Two channels of four pixels.
#ifdef THUMB_1
#define finish_pixels halves_bytes
#else
INLINED void finish_pixels(int8_t *const *y, int32_t o, const half_sums *sums, const int32_t *channel) {
    const packed_scale first = packed_channel(channel), second = packed_channel(channel + 4);
    for (int32_t k = 0; k < PIXELS; k++) {
        y[k][o] = (int8_t)packed_value(first_sum(sums + k), &first);
        y[k][o + 1] = (int8_t)packed_value(second_sum(sums + k), &second);
    }
}
#endif

// Two channels of the largest one of four pixels.
INLINED void finish_largest(int8_t *y, const half_sums *sums, const int32_t *channel) {
    const packed_scale first = packed_channel(channel), second = packed_channel(channel + 4);
    int32_t a = first_sum(sums), b = second_sum(sums);
    for (int32_t k = 1; k < PIXELS; k++) {
        const int32_t other_a = first_sum(sums + k), other_b = second_sum(sums + k);
        a = other_a > a ? other_a : a;
        b = other_b > b ? other_b : b;
    }
    y[0] = (int8_t)packed_value(a, &first);
    y[1] = (int8_t)packed_value(b, &second);
}

void conv2d_halves_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_halves_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t y_c = g->y_c;
    const int8_t *const end = y + pool->y_h * pool->y_w * y_c;
    int8_t *const start = y;
    seen_value *v = (seen_value *)(void *)scratch;
    for (int32_t k = 0; k < PIXELS; k++) v[PIXELS * (p->taps - 1) + k] = 0;  // where taps are odd, it stays there
    four_places to = {{y, y, y, y}, 0, 0};
    for (int done = 0; !done; y = to.y[PIXELS - 1] + y_c) {
        next_four(&to, y, end, v, x, p->x_zero_point, g, pool);
        const int32_t *w = p->weights, *channel = p->output.channels;
        for (int32_t done_c = 0; done_c < y_c; done_c += 2, channel += 8) {
            const int32_t o = done_c < y_c - 1 ? done_c : y_c - 2;  // of an odd number the last two
            half_sums sums[PIXELS];
            w = halves_dot(sums, v, w);
            if (pool->k_h > 1) finish_largest(to.y[0] + o, sums, channel);
            else finish_pixels(to.y, o, sums, channel);
        }
        done = to.y[PIXELS - 1] + y_c == end;
    }
    limit_s8(start, (int32_t)(end - start), p->output.y_min, p->output.y_max);
}
