// Average pooling, four channels at a time: the last four again where their number is no multiple.
#include "pool2d.h"
#include "byte_sums.h"
#include "packed.h"

static __attribute__((noinline)) int8_t window_mean(int32_t sum, int32_t count) {
    return (int8_t)rounded_mean(sum, count);
}

// The sum of a channel over the part of x, from where it begins.
INLINED int32_t sum_of_channel(const int8_t *x, image_part part, int32_t x_c, int32_t row) {
    int32_t sum = 0;
    for (int32_t a = part.top; a < part.bottom; a++, x += row) {
        const int8_t *pixel = x;
        for (int32_t left = part.right - part.left; left > 0; left--, pixel += x_c) sum += *pixel;
    }
    return sum;
}

// y[0..3] = the means of four channels
INLINED void means_of_channels(int8_t *y, const int8_t *x, image_part part, int32_t x_c, int32_t row, int32_t count) {
    byte_sums s = {{0, 0, 0, 0}, 0, 0};
    for (int32_t a = part.top; a < part.bottom; a++, x += row) {
        const int8_t *pixel = x;
        for (int32_t left = part.right - part.left; left > 0; left--, pixel += x_c) add_bytes(&s, load_word(pixel));
        if (count > MOST_IN_PAIRS) widen_sums(&s);
    }
    widen_sums(&s);
    y[0] = window_mean(s.sums.a, count), y[1] = window_mean(s.sums.b, count);
    y[2] = window_mean(s.sums.c, count), y[3] = window_mean(s.sums.d, count);
}

void average_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, row = g->x_w * x_c;
    int8_t *out = y;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++, out += x_c) {
            const image_part part = seen_from(g, i, j);
            const int32_t count = (part.bottom - part.top) * (part.right - part.left);
            const int8_t *first = x + part.top * row + part.left * x_c;
            int32_t c = 0;
            for (; c + 4 <= x_c; c += 4) means_of_channels(out + c, first + c, part, x_c, row, count);
            if (c < x_c && x_c > 4) {
                means_of_channels(out + x_c - 4, first + x_c - 4, part, x_c, row, count);
            } else {
                for (; c < x_c; c++) out[c] = window_mean(sum_of_channel(first + c, part, x_c, row), count);
            }
        }
    }
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
