// Max pooling, four bytes at a time: channels, the last four again where their number is no multiple; or, of a single
// channel, neighbours in a row.
#include "pool_runs.h"

// The largest of four channels over the window that begins at x.
INLINED uint32_t largest_bytes(const int8_t *x, const pool_run *run, int32_t columns) {
    const int32_t x_c = run->x_c, row = run->row;
    uint32_t best = 0x80808080;
    for (int32_t rows = run->rows; rows > 0; rows--, x += row) {
        const int8_t *pixel = x;
        int32_t left = columns;
        for (; left >= 2; left -= 2, pixel += 2 * x_c) {
            best = larger_bytes(best, load_word(pixel));
            best = larger_bytes(best, load_word(pixel + x_c));
        }
        if (left > 0) best = larger_bytes(best, load_word(pixel));
    }
    return best;
}

INLINED void largest_words(int8_t *y, const int8_t *x, const pool_run *run, int32_t columns) {
    const int32_t x_c = run->x_c;
    for (int32_t pixels = run->pixels; pixels > 0; pixels--, x += run->step, y += x_c) {
        int32_t c = 0;
        for (; c + 4 <= x_c; c += 4) store_word(y + c, largest_bytes(x + c, run, columns));
        if (c < x_c) store_word(y + x_c - 4, largest_bytes(x + x_c - 4, run, columns));
    }
}

// The same of each channel by itself.
INLINED void largest_singly(int8_t *y, const int8_t *x, const pool_run *run, int32_t columns) {
    const int32_t x_c = run->x_c, row = run->row;
    for (int32_t c = 0; c < x_c; c++) {
        const int8_t *window = x + c;
        int8_t *out = y + c;
        for (int32_t pixels = run->pixels; pixels > 0; pixels--, window += run->step, out += x_c) {
            const int8_t *from = window;
            int32_t best = INT8_MIN;
            for (int32_t rows = run->rows; rows > 0; rows--, from += row) {
                const int8_t *pixel = from;
                for (int32_t left = columns; left > 0; left--, pixel += x_c) best = larger_of(best, *pixel);
            }
            *out = (int8_t)best;
        }
    }
}

// The largest of neighbours in rows of at least four.
INLINED int32_t largest_neighbour(const int8_t *x, const pool_run *run) {
    uint32_t best = 0x80808080;
    for (int32_t rows = run->rows; rows > 0; rows--, x += run->row) {
        const int8_t *from = x;
        for (int32_t left = run->columns; left >= 4; left -= 4, from += 4) best = larger_bytes(best, load_word(from));
        best = larger_bytes(best, load_word(x + run->columns - 4));
    }
    best = larger_bytes(best, best >> 16);
    return low_half(even_bytes(larger_bytes(best, best >> 8)));
}

INLINED void largest_neighbours(int8_t *y, const int8_t *x, const pool_run *run) {
    for (int32_t pixels = run->pixels; pixels > 0; pixels--, x += run->step) *y++ = (int8_t)largest_neighbour(x, run);
}

static __attribute__((noinline)) void largest_of_windows(int8_t *y, const int8_t *x, const pool_run *run) {
    const int32_t x_c = run->x_c, columns = run->columns;
    if (COMPARES_WORDS && x_c >= 4) {
        if (columns == 2) largest_words(y, x, run, 2);
        else largest_words(y, x, run, columns);
    } else if (COMPARES_WORDS && x_c == 1 && columns >= 4) {
        largest_neighbours(y, x, run);
    } else if (columns == 2) {
        largest_singly(y, x, run, 2);
    } else {
        largest_singly(y, x, run, columns);
    }
}

void max_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p) { pool_by_runs(y, x, p, largest_of_windows); }
