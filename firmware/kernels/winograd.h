// Winograd's transform of 4 x 4 pixels: v = B^T d B, B^T = (1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1), every channel for
// itself. No value exceeds 4 * 128, so 16 bits hold it and one instruction transforms two channels.
#pragma once
#include "columns.h"

// One column, d (4,) -> t (4,), the elements of t four apart.
static inline void transform_column(uint32_t *t, uint32_t d0, uint32_t d1, uint32_t d2, uint32_t d3) {
    t[0] = subtract_pairs(d0, d2);
    t[4] = add_pairs(d1, d2);
    t[8] = subtract_pairs(d2, d1);
    t[12] = subtract_pairs(d1, d3);
}

// x (4, 4, x_c), its rows `row` apart -> one column of v (16, quads, 2, 2, 2); x_c = 4 * quads
static inline void transform(int16_t *v, const int8_t *x, int32_t row, int32_t x_c) {
    for (int32_t c = 0; c < x_c; c += 4, v += 8, x += 4) {
        uint32_t even[16], odd[16];
        for (int32_t b = 0; b < 4; b++) {
            const int8_t *d = x + b * x_c;
            const uint32_t d0 = load_word(d), d1 = load_word(d + row), d2 = load_word(d + 2 * row);
            const uint32_t d3 = load_word(d + 3 * row);
            transform_column(even + b, even_bytes(d0), even_bytes(d1), even_bytes(d2), even_bytes(d3));
            transform_column(odd + b, odd_bytes(d0), odd_bytes(d1), odd_bytes(d2), odd_bytes(d3));
        }
        int16_t *to = v;
        for (int32_t a = 0; a < 16; a += 4, to += 8 * x_c) {
            const uint32_t *e = even + a, *o = odd + a;
            store_column(to, subtract_pairs(e[0], e[2]), subtract_pairs(o[0], o[2]));
            store_column(to + 2 * x_c, add_pairs(e[1], e[2]), add_pairs(o[1], o[2]));
            store_column(to + 4 * x_c, subtract_pairs(e[2], e[1]), subtract_pairs(o[2], o[1]));
            store_column(to + 6 * x_c, subtract_pairs(e[1], e[3]), subtract_pairs(o[1], o[3]));
        }
    }
}
