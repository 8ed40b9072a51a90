// Max pooling, four channels at a time: the last four again where their number is no multiple.
#include "pool2d.h"
#include "packed.h"

// The largest of a channel over the part of x, from where it begins.
INLINED int32_t largest_byte(const int8_t *x, image_part part, int32_t x_c, int32_t row) {
    int32_t best = INT8_MIN;
    for (int32_t a = part.top; a < part.bottom; a++, x += row) {
        const int8_t *const end = x + (part.right - part.left) * x_c;
        for (const int8_t *pixel = x; pixel != end; pixel += x_c) best = larger_of(best, *pixel);
    }
    return best;
}

// The same of four channels.
INLINED uint32_t largest_bytes(const int8_t *x, image_part part, int32_t x_c, int32_t row) {
    uint32_t best = 0x80808080;
    for (int32_t a = part.top; a < part.bottom; a++, x += row) {
        const int8_t *const end = x + (part.right - part.left) * x_c;
        for (const int8_t *pixel = x; pixel != end; pixel += x_c) best = larger_bytes(best, load_word(pixel));
    }
    return best;
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
            if (c < x_c && x_c > 4) {
                store_word(out + x_c - 4, largest_bytes(first + x_c - 4, part, x_c, row));
            } else {
                for (; c < x_c; c++) out[c] = (int8_t)largest_byte(first + c, part, x_c, row);
            }
        }
    }
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
