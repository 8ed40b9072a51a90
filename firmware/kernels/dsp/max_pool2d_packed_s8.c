// Max pooling, four bytes at a time: channels, the last four again where their number is no multiple; or, of a single
// channel, neighbours in a row.
#include "packed.h"
#include "pool2d.h"

// The larger of best and bytes of x, which lie a step apart from one word to the next.
INLINED uint32_t larger_of_row(uint32_t best, const int8_t *x, int32_t bytes, int32_t step) {
    for (; bytes > 0; bytes -= step, x += step) best = larger_bytes(best, load_word(x));
    return best;
}

// The largest of four channels over the part of x, from where it begins.
INLINED uint32_t largest_bytes(const int8_t *x, image_part part, int32_t x_c, int32_t row) {
    uint32_t best = 0x80808080;
    const int32_t bytes = (part.right - part.left) * x_c;
    for (int32_t a = part.top; a < part.bottom; a++, x += row) best = larger_of_row(best, x, bytes, x_c);
    return best;
}

// The same of one channel.
INLINED int32_t largest_byte(const int8_t *x, image_part part, int32_t x_c, int32_t row) {
    int32_t best = INT8_MIN;
    const int32_t bytes = (part.right - part.left) * x_c;
    for (int32_t a = part.top; a < part.bottom; a++, x += row) {
        const int8_t *pixel = x;
        for (int32_t left = bytes; left > 0; left -= x_c, pixel += x_c) {
            if (*pixel > best) best = *pixel;
        }
    }
    return best;
}

// The same of neighbours in rows of at least four.
INLINED int32_t largest_neighbour(const int8_t *x, image_part part, int32_t row) {
    uint32_t best = 0x80808080;
    const int32_t bytes = part.right - part.left;
    for (int32_t a = part.top; a < part.bottom; a++, x += row) {
        best = larger_of_row(best, x, bytes & ~3, 4);
        best = larger_bytes(best, load_word(x + bytes - 4));
    }
    best = larger_bytes(best, best >> 16);
    return low_half(even_bytes(larger_bytes(best, best >> 8)));
}

void max_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, row = g->x_w * x_c;
    int8_t *out = y;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++, out += x_c) {
            const image_part part = seen_from(g, i, j);
            const int8_t *first = x + part.top * row + part.left * x_c;
            int32_t c = 0;
            for (; c + 4 <= x_c; c += 4) store_word(out + c, largest_bytes(first + c, part, x_c, row));
            if (x_c == 1 && part.right - part.left >= 4) {
                *out = (int8_t)largest_neighbour(first, part, row);
            } else if (c < x_c && x_c > 4) {
                store_word(out + x_c - 4, largest_bytes(first + x_c - 4, part, x_c, row));
            } else {
                for (; c < x_c; c++) out[c] = (int8_t)largest_byte(first + c, part, x_c, row);
            }
        }
    }
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
