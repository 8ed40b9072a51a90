// Depthwise 3 x 3 convolution: four channels at a time are laid out as planes in which two pixels that lie above each
// other share a word, so that one multiplication takes two taps, and two rows of the output share what they see.
#include "packed.h"

enum { QUAD = 4 };

// Words of four pixels' bytes: a row of x, or the zero point again and again where there is no such row.
typedef struct {
    const int8_t *at;
    int32_t step;
} row_of_x;

static row_of_x find_row(const int8_t *x, int32_t i, const uint32_t *outside, const window_geometry *g) {
    if (i < 0 || i >= g->x_h) return (row_of_x){(const int8_t *)outside, 0};
    return (row_of_x){x + i * g->x_w * g->x_c, g->x_c};
}

// plane[c][k][j] = rows top + 2 k and the next of column j - pad_w of channel c    plane (QUAD, pairs, columns)
static void lay_out(
    uint32_t *plane, const int8_t *x, int32_t top, int32_t pairs, int32_t columns, const uint32_t *outside,
    const window_geometry *g
) {
    const int32_t size = pairs * columns;
    for (int32_t k = 0; k < pairs; k++) {
        const row_of_x above = find_row(x, top + 2 * k, outside, g), below = find_row(x, top + 2 * k + 1, outside, g);
        const int8_t *a = above.at, *b = below.at;
        for (int32_t j = -g->pad_w; j < columns - g->pad_w; j++, plane++) {
            uint32_t upper = *outside, lower = *outside;
            if (j >= 0 && j < g->x_w) {
                upper = load_word(a);
                lower = load_word(b);
                a += above.step;
                b += below.step;
            }
            const uint32_t even_a = even_bytes(upper), odd_a = odd_bytes(upper);
            const uint32_t even_b = even_bytes(lower), odd_b = odd_bytes(lower);
            plane[0] = low_halves(even_a, even_b);
            plane[size] = low_halves(odd_a, odd_b);
            plane[2 * size] = high_halves(even_a, even_b);
            plane[3 * size] = high_halves(odd_a, odd_b);
        }
    }
}

// One channel of `rows` rows of the output. Where the stride is 1 (`two`) two rows at a time, of which the second need
// not exist.
static inline __attribute__((always_inline)) void channel_s8(
    int8_t *y, const uint32_t *p, int32_t columns, const int32_t *channel, int32_t rows, const window_geometry *g, int two
) {
    const uint32_t *w = (const uint32_t *)channel;
    const uint32_t w0 = w[0], u0 = w[1], w1 = w[2], u1 = w[3], w2 = w[4], u2 = w[5];
    const int32_t bias = channel[6], y_c = g->y_c, y_row = g->y_w * y_c, step = g->stride_w;
    const packed_scale scale = {0, channel[7], channel[8], channel[9]};
    for (; rows > 0; rows -= 1 + two, y += (1 + two) * y_row, p += columns) {
        const int32_t below = rows > 1 ? y_row : 0;
        const uint32_t *x = p;
        for (int32_t k = 0; k != y_row; k += y_c, x += step) {
            const uint32_t a0 = x[0], a1 = x[1], a2 = x[2], b0 = x[columns], b1 = x[columns + 1], b2 = x[columns + 2];
            int32_t upper = multiply_add(bias, a0, w0);
            upper = multiply_add(upper, a1, w1);
            upper = multiply_add(upper, a2, w2);
            upper = multiply_add_low_high(upper, b0, u0);
            upper = multiply_add_low_high(upper, b1, u1);
            upper = multiply_add_low_high(upper, b2, u2);
            if (two) {
                int32_t lower = multiply_add_high_low(bias, a0, w0);
                lower = multiply_add_high_low(lower, a1, w1);
                lower = multiply_add_high_low(lower, a2, w2);
                lower = multiply_add(lower, b0, u0);
                lower = multiply_add(lower, b1, u1);
                lower = multiply_add(lower, b2, u2);
                y[below + k] = (int8_t)saturate_s8(packed_scaled(lower, &scale));  // first: it may not exist
            }
            y[k] = (int8_t)saturate_s8(packed_scaled(upper, &scale));
        }
    }
}

void depthwise_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int two = g->stride_h == 1;
    const int32_t columns = (g->y_w - 1) * g->stride_w + 3, pairs = two ? p->rows / 2 + 1 : p->rows + 1;
    const int32_t y_row = g->y_w * g->y_c;
    const uint32_t outside = (uint32_t)(p->x_zero_point & 0xff) * 0x01010101u;
    uint32_t *plane = (uint32_t *)(void *)scratch;
    for (int32_t i = 0; i < g->y_h; i += p->rows) {
        const int32_t rows = g->y_h - i < p->rows ? g->y_h - i : p->rows;
        for (int32_t o = 0; o < g->y_c; o += QUAD) {
            lay_out(plane, x + o, i * g->stride_h - g->pad_h, pairs, columns, &outside, g);
            for (int32_t k = 0; k < QUAD; k++) {
                const int32_t *channel = p->channels + 10 * (o + k);
                const uint32_t *from = plane + k * pairs * columns;
                int8_t *to = y + i * y_row + o + k;
                if (two) channel_s8(to, from, columns, channel, rows, g, 1);
                else channel_s8(to, from, columns, channel, rows, g, 0);
            }
        }
    }
    limit_s8(y, g->y_h * y_row, p->y_min, p->y_max);
}
