// Average pooling, four channels at a time: the last four again where their number is no multiple.
#include "byte_sums.h"
#include "pool_runs.h"

// How many bytes a sum may have for its mean by a multiplication: with m = 2^23 / count rounded up, v m / 2^23 exceeds
// v / count by less than v / 2^23, which is less than 1 / count for all v that occur, below 384 count.
enum { MEAN_BITS = 23, MOST_MULTIPLIED = 147 };

// How sums become means: (sum + (sum >> 31 & ties)) * multiplier + offset, the bits from MEAN_BITS on.
typedef struct {
    int32_t count;
    uint32_t multiplier, offset;
    int32_t ties;
} mean_scale;

// The mean of a sum is (sum + count / 2) / count rounded down; of a negative one whose half would be rounded up, by an even
// count, less one before the division. 256 are added, so that no number is negative; a byte leaves them out.
INLINED mean_scale mean_scale_of(int32_t count) {
    const uint32_t n = (uint32_t)count, multiplier = ((1u << MEAN_BITS) + n - 1) / n;
    return (mean_scale){count, multiplier, (256 * n + n / 2) * multiplier, n % 2 ? 0 : -1};
}

INLINED int8_t mean_byte(int32_t sum, const mean_scale *mean, int divides) {
    if (divides) return (int8_t)rounded_mean(sum, mean->count);
    const uint32_t value = (uint32_t)(sum + ((sum >> 31) & mean->ties)) * mean->multiplier + mean->offset;
    return (int8_t)(value >> MEAN_BITS);
}

// y[0..3] = the means of four channels over the window that begins at x
INLINED void means_of_channels(
    int8_t *y, const int8_t *x, const pool_run *run, int32_t columns, const mean_scale *mean, int divides
) {
    const int32_t x_c = run->x_c, row = run->row;
    byte_sums s = {{0, 0, 0, 0}, 0, 0};
    for (int32_t rows = run->rows; rows > 0; rows--, x += row) {
        const int8_t *pixel = x;
        int32_t left = columns;
        for (; left >= 2; left -= 2, pixel += 2 * x_c) {
            add_bytes(&s, pixel);
            add_bytes(&s, pixel + x_c);
        }
        if (left > 0) add_bytes(&s, pixel);
        if (divides) widen_sums(&s);
    }
    widen_sums(&s);
    y[0] = mean_byte(s.sums.a, mean, divides), y[1] = mean_byte(s.sums.b, mean, divides);
    y[2] = mean_byte(s.sums.c, mean, divides), y[3] = mean_byte(s.sums.d, mean, divides);
}

INLINED void means_by_words(
    int8_t *y, const int8_t *x, const pool_run *run, int32_t columns, const mean_scale *mean, int divides
) {
    const int32_t x_c = run->x_c;
    for (int32_t pixels = run->pixels; pixels > 0; pixels--, x += run->step, y += x_c) {
        int32_t c = 0;
        for (; c + 4 <= x_c; c += 4) means_of_channels(y + c, x + c, run, columns, mean, divides);
        if (c < x_c) means_of_channels(y + x_c - 4, x + x_c - 4, run, columns, mean, divides);
    }
}

// Each channel by itself.
INLINED void means_singly(
    int8_t *y, const int8_t *x, const pool_run *run, int32_t columns, const mean_scale *mean, int divides
) {
    const int32_t x_c = run->x_c, row = run->row;
    for (int32_t c = 0; c < x_c; c++) {
        const int8_t *window = x + c;
        int8_t *out = y + c;
        for (int32_t pixels = run->pixels; pixels > 0; pixels--, window += run->step, out += x_c) {
            const int8_t *from = window;
            int32_t sum = 0;
            for (int32_t rows = run->rows; rows > 0; rows--, from += row) {
                const int8_t *pixel = from;
                for (int32_t left = columns; left > 0; left--, pixel += x_c) sum += *pixel;
            }
            *out = mean_byte(sum, mean, divides);
        }
    }
}

static __attribute__((noinline)) void means_by_division(int8_t *y, const int8_t *x, const pool_run *run) {
    const mean_scale mean = {run->rows * run->columns, 0, 0, 0};
    if (run->x_c < 4) means_singly(y, x, run, run->columns, &mean, 1);
    else means_by_words(y, x, run, run->columns, &mean, 1);
}

static __attribute__((noinline)) void means_of_windows(int8_t *y, const int8_t *x, const pool_run *run) {
    const int32_t columns = run->columns;
    if (run->rows * columns > MOST_MULTIPLIED) {
        means_by_division(y, x, run);
        return;
    }
    const mean_scale mean = mean_scale_of(run->rows * columns);
    if (run->x_c < 4) {
        if (columns == 2) means_singly(y, x, run, 2, &mean, 0);
        else means_singly(y, x, run, columns, &mean, 0);
    } else if (columns == 2) {
        means_by_words(y, x, run, 2, &mean, 0);
    } else {
        means_by_words(y, x, run, columns, &mean, 0);
    }
}

void average_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p) { pool_by_runs(y, x, p, means_of_windows); }
