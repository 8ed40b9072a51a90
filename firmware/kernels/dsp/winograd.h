// Winograd's transforms of the F(2x2, 3x3), a row at a time: V = B^T d B of 4 x 4 pixels d, and Y = A^T M A of 4 x 4 sums.
//   B^T = (1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1)    A^T = (1 1 1 0; 0 1 -1 -1)
// No value of V exceeds 4 * 128, so 16 bits hold it and one instruction transforms two channels.
#pragma once
#include "columns.h"

// What one tile sees: 4 x 4 pixels of x, or a copy of them.
typedef struct {
    const int8_t *first;
    int32_t row;  // bytes between rows
} tile_view;

// The same bytes of a pixel in two rows, added or subtracted.
INLINED uint32_t meet(const int8_t *p, const int8_t *q, int odd, int adds) {
    const uint32_t a = load_lanes(p, odd), b = load_lanes(q, odd);
    return adds ? add_lanes(a, b) : subtract_lanes(a, b);
}

// Two channels of four pixels side by side in rows p and q: the rows added or subtracted, then across.
INLINED void transform_pairs(int16_t *v, const int8_t *p, const int8_t *q, int32_t x_c, int odd, int adds) {
    const int32_t x_c3 = 3 * x_c;
    const uint32_t a = meet(p, q, odd, adds), c = meet(p + 2 * x_c, q + 2 * x_c, odd, adds);
    store_lanes(v, subtract_lanes(a, c));
    const uint32_t b = meet(p + x_c, q + x_c, odd, adds);
    store_lanes(v + 2 * x_c, add_lanes(b, c));
    store_lanes(v + 4 * x_c, subtract_lanes(c, b));
    const uint32_t d = meet(p + x_c3, q + x_c3, odd, adds);
    store_lanes(v + 6 * x_c, subtract_lanes(b, d));
}

// One row of V, one column of v (4, quads, 2, 2, 2); x_c = 4 * quads
INLINED void transform_rows(
    int16_t *v, const int8_t *p, const int8_t *q, int32_t x_c, int adds
) {
    for (const int8_t *const end = p + x_c; p != end; p += 4, q += 4, v += 8) {
        transform_pairs(v, p, q, x_c, 0, adds);
        transform_pairs(v + 4, p, q, x_c, 1, adds);
    }
}

// Loops of their own: within a larger function the compiler runs out of registers.
static __attribute__((noinline)) void add_rows(int16_t *v, const int8_t *p, const int8_t *q, int32_t x_c) {
    transform_rows(v, p, q, x_c, 1);
}

static __attribute__((noinline)) void subtract_rows(int16_t *v, const int8_t *p, const int8_t *q, int32_t x_c) {
    transform_rows(v, p, q, x_c, 0);
}

// Row r of V, one column of v (4, quads, 2, 2, 2)
INLINED void transform_row(int16_t *v, const tile_view *x, int32_t x_c, int32_t r) {
    const int8_t *d = x->first;
    const int32_t row = x->row;
    if (r == 0) subtract_rows(v, d, d + 2 * row, x_c);
    else if (r == 1) add_rows(v, d + row, d + 2 * row, x_c);
    else if (r == 2) subtract_rows(v, d + 2 * row, d + row, x_c);
    else subtract_rows(v, d + row, d + 3 * row, x_c);
}

// A row of M times A
INLINED int32_t across_left(const int32_t *m) { return m[0] + m[8] + m[16]; }
INLINED int32_t across_right(const int32_t *m) { return m[8] - m[16] - m[24]; }

// Adds row r of M to Y; after the last one sums[k] = Y of filter and column k, row by row.
// sums (8, 4)  m (4, 8)
INLINED void add_row(int32_t *sums, const int32_t *m, int32_t r) {
    const int32_t *const end = m + 8;
    if (r == 0) {
        for (; m != end; sums += 4, m++) {
            sums[0] = across_left(m);
            sums[1] = across_right(m);
        }
    } else if (r == 1) {
        for (; m != end; sums += 4, m++) {
            const int32_t left = across_left(m), right = across_right(m);
            sums[0] += left;
            sums[1] += right;
            sums[2] = left;
            sums[3] = right;
        }
    } else if (r == 2) {
        for (; m != end; sums += 4, m++) {
            const int32_t left = across_left(m), right = across_right(m);
            sums[0] += left;
            sums[1] += right;
            sums[2] -= left;
            sums[3] -= right;
        }
    } else {
        for (; m != end; sums += 4, m++) {
            const int32_t left = across_left(m), right = across_right(m);
            sums[2] -= left;
            sums[3] -= right;
        }
    }
}
