// Depthwise 3 x 3 convolution: four channels at a time are laid out as planes in which two pixels that lie above each
// other share a word, so that one multiplication takes two taps, and two rows of the output share what they see.
#include "depthwise.h"

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
static __attribute__((noinline)) void lay_out(
    uint32_t *plane, const int8_t *x, int32_t top, int32_t pairs, int32_t columns, const uint32_t *outside,
    const window_geometry *g
) {
    const int32_t size = pairs * columns, left = g->pad_w, right = left + g->x_w;
    for (int32_t k = 0; k < pairs; k++) {
        const row_of_x above = find_row(x, top + 2 * k, outside, g), below = find_row(x, top + 2 * k + 1, outside, g);
        const int8_t *a = above.at, *b = below.at;
        for (int32_t j = 0; j < columns; j++, plane++) {
            uint32_t upper = *outside, lower = upper;
            if (j >= left && j < right) {
                upper = load_word(a);
                lower = load_word(b);
                a += above.step;
                b += below.step;
            }
            const uint32_t even_a = even_bytes(upper), odd_a = odd_bytes(upper);
            const uint32_t even_b = even_bytes(lower), odd_b = odd_bytes(lower);
            uint32_t *to = plane;
            *to = low_halves(even_a, even_b);
            *(to += size) = low_halves(odd_a, odd_b);
            *(to += size) = high_halves(even_a, even_b);
            *(to += size) = high_halves(odd_a, odd_b);
        }
    }
}

// One channel of rows of the output, each from its own rows of pairs: a vertical stride of 2.
static void stepping_rows(
    int8_t *y, const uint32_t *p, const int32_t *channel, int32_t step, const depthwise_rows *rows
) {
    const uint32_t *w = (const uint32_t *)channel;
    const packed_scale scale = packed_channel(channel + 6);
    const int32_t columns = rows->x_row / 4;
    for (int32_t r = 0; r < rows->rows; r++, p += columns) {
        const uint32_t *x = p;
        for (int8_t *const end = y + rows->y_row; y != end; y += rows->y_c, x += step) {
            int32_t acc = 0;
            for (int32_t b = 0; b < 3; b++) {
                acc = multiply_add_low_high(multiply_add(acc, x[b], w[2 * b]), x[columns + b], w[2 * b + 1]);
            }
            *y = (int8_t)packed_value(acc, &scale);
        }
    }
}

void depthwise_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t columns = (g->y_w - 1) * g->stride_w + 3, y_row = g->y_w * g->y_c;
    const int32_t pairs = g->stride_h == 1 ? p->rows / 2 + 1 : p->rows + 1;
    const uint32_t outside = (uint32_t)(p->x_zero_point & 0xff) * 0x01010101u;
    uint32_t *plane = (uint32_t *)(void *)scratch;
    for (int32_t i = 0; i < g->y_h; i += p->rows) {
        const int32_t rows = g->y_h - i < p->rows ? g->y_h - i : p->rows;
        const depthwise_rows asked = {4 * columns, g->y_c, y_row, rows};
        for (int32_t o = 0; o < g->y_c; o += QUAD) {
            lay_out(plane, x + o, i * g->stride_h - g->pad_h, pairs, columns, &outside, g);
            for (int32_t k = 0; k < QUAD; k++) {
                const int32_t *channel = p->channels + 10 * (o + k);
                const uint32_t *from = plane + k * pairs * columns;
                int8_t *to = y + i * y_row + o + k;
                if (g->stride_h == 1 && g->stride_w == 1) depthwise_rows_s8(to, from, channel, &asked);
                else stepping_rows(to, from, channel, g->stride_w, &asked);
            }
        }
    }
    limit_s8(y, g->y_h * y_row, p->y_min, p->y_max);
}
