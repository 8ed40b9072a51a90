// Two columns side by side: what two output pixels, or two tiles of a Winograd convolution, see of x, widened to 16 bits
// and laid out so that each word of weights, once loaded, serves both.
//
// A quad of four taps t0-t3 takes four words: (t0, t2) of column 0, of column 1, (t1, t3) of column 0, of column 1. The
// weights of four filters for it take eight: (t0, t2) of each filter, then (t1, t3) of each. Or four, where one 16-bit
// number holds the weights of two filters, 256 times that of the second plus that of the first: (t0, t2) of filters 0 and
// 1, of 2 and 3, (t1, t3) of both.
#pragma once
#include "dsp.h"
#include "dsp_kernels.h"
#include "packed.h"

// sums[r,k,b] = sum_q sum_t x[r,q,t,b] * w[r,q,t,k], for each of `runs` runs r, filters k and columns b
// sums (runs, 4, 2)  x (runs, quads, 2, 2, 2)  w (runs, quads, 2, 4, 2); quads and runs at least 1
// x moves back by `rewind` bytes after each run: all of them see the same x when that is its size.
void columns_dot_s16(
    int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads, int32_t runs, int32_t rewind
);

// y[o] and y_right[o] = the output bytes of channels o in groups of four, before the clamp: the doubled sums of two columns
// that see the same x (quads, 2, 2, 2) in w (groups, quads, 2, 4, 2), each with its row of channels (y_c, 4). Where
// `again` is not 0, one group more follows, which begins with so many of the channels before it.
void columns_output_s16(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again
);

// The same where the output rectifies.
void columns_rectified_s16(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again
);

// Both where w (groups, quads, 2, 2, 2) holds two filters a number. The sums of filters 1 and 3 must stay within 2^23 before
// they are doubled.
void columns_output_bytes(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again
);
void columns_rectified_bytes(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again
);

// Both with a byte a weight, w (groups, quads, 4, 4): the taps of each filter as they come.
void columns_output_s8(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again
);
void columns_rectified_s8(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again
);

// v (rows, words, 2, 2, 2) = both columns of rows that lie `below` bytes apart, and `gap` bytes in v: of x, and of what lies
// `right` bytes from it. Rows at least 1. Returns what follows in v.
int16_t *columns_widen_s8(
    int16_t *v, const int8_t *x, int32_t right, int32_t below, int32_t rows, int32_t words, int32_t gap
);

#ifdef THUMB_1
// columns_dot_s16 of one run; sums modulo 2^32
void columns_run_s16(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads);
#endif

// A pixel or tile of the output, and the one behind it in memory.
typedef struct {
    int32_t i, j;
} place;

INLINED place behind(place at, int32_t columns) {
    return at.j + 1 < columns ? (place){at.i, at.j + 1} : (place){at.i + 1, 0};
}

// One column of a quad.
INLINED void store_column(int16_t *v, uint32_t even, uint32_t odd) {
    store_pair(v, even);
    store_pair(v + 4, odd);
}

// The last n of a column's taps, fewer than four, with zeros behind them.
INLINED void widen_rest(int16_t *v, const int8_t *x, int32_t n) {
    int8_t rest[4] = {0, 0, 0, 0};
    for (int32_t t = 0; t < n; t++) rest[t] = x[t];
    store_column(v, even_bytes(load_word(rest)), odd_bytes(load_word(rest)));
}

// One column of x in quads: x (n,) -> every other word of v, zeros at the end    v (n in quads, 2, 2, 2)
// Returns what follows in v.
INLINED int16_t *widen_column(int16_t *v, const int8_t *x, int32_t n) {
    for (; n >= 4; n -= 4, x += 4, v += 8) store_column(v, even_bytes(load_word(x)), odd_bytes(load_word(x)));
    if (n <= 0) return v;
    widen_rest(v, x, n);
    return v + 8;
}
