// Convolution with two filters in one multiplication, and the 2 x 2 max pooling that follows it or none: four output
// pixels at a time, those of a pooling window or four in a row.
#include "halves.h"
#include "scalar_kernels.h"

// Every fourth word of v from n bytes of x; returns what follows.
INLINED int32_t *widen_words(int32_t *v, const int8_t *x, int32_t n) {
    for (; n >= 4; n -= 4, x += 4, v += 4 * PIXELS) {
        v[0] = x[0];
        v[PIXELS] = x[1];
        v[2 * PIXELS] = x[2];
        v[3 * PIXELS] = x[3];
    }
    for (; n > 0; n--, v += PIXELS) *v = *x++;
    return v;
}

INLINED int32_t *see_zeros(int32_t *v, int32_t n, int32_t x_zero_point) {
    for (; n > 0; n--, v += PIXELS) *v = x_zero_point;
    return v;
}

// One column of v (taps, PIXELS): what output pixel (i, j) of the convolution sees.
static __attribute__((noinline)) void see(
    int32_t *v, const int8_t *x, int32_t i, int32_t j, const conv2d_halves_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, row = g->k_w * x_c, left = j * g->stride_w - g->pad_w, dilation = g->dilation_w;
    int32_t at = i * g->stride_h - g->pad_h;
    for (int32_t a = 0; a < g->k_h; a++, at += g->dilation_h) {
        const int8_t *from = x + (at * g->x_w + left) * x_c;
        if (at < 0 || at >= g->x_h) {
            v = see_zeros(v, row, p->x_zero_point);
        } else if (dilation == 1 && left >= 0 && left + g->k_w <= g->x_w) {
            v = widen_words(v, from, row);
        } else {
            for (int32_t b = 0, column = left; b < g->k_w; b++, column += dilation, from += dilation * x_c) {
                const int inside = column >= 0 && column < g->x_w;
                v = inside ? widen_words(v, from, x_c) : see_zeros(v, x_c, p->x_zero_point);
            }
        }
    }
    if ((g->k_h * row) % 2) *v = 0;
}

// Two channels of four pixels.
INLINED void finish_pixels(int8_t *const *y, int32_t o, const half_sums *sums, const int32_t *channel) {
    const packed_scale first = packed_channel(channel), second = packed_channel(channel + 4);
    for (int32_t k = 0; k < PIXELS; k++) {
        y[k][o] = (int8_t)packed_value(first_sum(sums + k), &first);
        y[k][o + 1] = (int8_t)packed_value(second_sum(sums + k), &second);
    }
}

// Two channels of the largest one of four pixels.
INLINED void finish_pooled(int8_t *y, const half_sums *sums, const int32_t *channel) {
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

static void pooled(int8_t *y, const int8_t *x, int32_t *v, const conv2d_halves_params *p) {
    const int32_t y_c = p->window.y_c;
    for (int32_t i = 0; i < p->pool.y_h; i++) {
        for (int32_t j = 0; j < p->pool.y_w; j++, y += y_c) {
            for (int32_t k = 0; k < PIXELS; k++) see(v + k, x, 2 * i + k / 2, 2 * j + k % 2, p);
            const int32_t *w = p->weights;
            for (int32_t o = 0; o < y_c; o += 2) {
                half_sums sums[PIXELS];
                w = halves_dot(sums, v, w);
                finish_pooled(y + o, sums, p->output.channels + 4 * o);
            }
        }
    }
}

static void unpooled(int8_t *y, const int8_t *x, int32_t *v, const conv2d_halves_params *p) {
    const window_geometry *g = &p->window;
    const int32_t y_c = g->y_c;
    int8_t *const end = y + g->y_h * g->y_w * y_c;
    for (int32_t i = 0, j = 0; y != end;) {
        int8_t *to[PIXELS];
        for (int32_t k = 0; k < PIXELS; k++) {
            see(v + k, x, i, j, p);
            to[k] = y;
            if (y + y_c == end) continue;  // without another pixel the last one is computed again
            y += y_c;
            if (++j == g->y_w) {
                j = 0;
                i++;
            }
        }
        if (y + y_c == end && to[PIXELS - 1] == y) y = end;
        const int32_t *w = p->weights;
        for (int32_t o = 0; o < y_c; o += 2) {
            half_sums sums[PIXELS];
            w = halves_dot(sums, v, w);
            finish_pixels(to, o, sums, p->output.channels + 4 * o);
        }
    }
}

void conv2d_halves_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_halves_params *p) {
    const window_geometry *pool = &p->pool;
    int32_t *v = (int32_t *)(void *)scratch;
    (pool->k_h > 1 ? pooled : unpooled)(y, x, v, p);
    limit_s8(y, pool->y_h * pool->y_w * p->window.y_c, p->output.y_min, p->output.y_max);
}
