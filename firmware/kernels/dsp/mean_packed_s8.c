// Mean and sum along axes of which one lies in memory byte by byte, four bytes at a time.
#include "loops.h"
#include "requantize.h"
#include "byte_sums.h"
#include "packed.h"

static int8_t mean(int32_t sum, const mean_params *p) {
    const int32_t value = requantize(sum - p->x_zero_points, p->multiplier, p->shift);
    return clamp_s8(p->y_zero_point + value, INT8_MIN, INT8_MAX);
}

// Adds count words that lie a step apart.
INLINED void add_words(byte_sums *s, const int8_t *x, int32_t count, int32_t step) {
    while (count > 0) {
        const int32_t some = count < MOST_IN_PAIRS ? count : MOST_IN_PAIRS;
        for (int32_t k = 0; k < some; k++, x += step) add_bytes(s, x);
        widen_sums(s);
        count -= some;
    }
}

// The sum of count bytes that lie a step apart.
static int32_t sum_of_bytes(const int8_t *x, int32_t count, int32_t step) {
    int32_t sum = 0, k = 0;
    if (step == 1) {
        byte_sums s = {{0, 0, 0, 0}, 0, 0};
        add_words(&s, x, count / 4, 4);
        sum = s.sums.a + s.sums.b + s.sums.c + s.sums.d;
        k = count / 4 * 4;
    }
    for (; k < count; k++) sum += x[k * step];
    return sum;
}

static int8_t mean_of_one(const int8_t *x, const mean_params *p) {
    if (p->window.count == 1) return mean(sum_of_bytes(x, p->window.table[0], p->window.table[1]), p);
    int32_t sum = 0;
    loop_walk walk = loop_start(&p->window);
    do {
        sum += sum_of_bytes(x + walk.a, walk.count, walk.a_step);
    } while (loop_next(&walk));
    return mean(sum, p);
}

// y[0..3] = the means of what begins at x[0..3]
static void means_of_four(int8_t *y, const int8_t *x, const mean_params *p) {
    byte_sums s = {{0, 0, 0, 0}, 0, 0};
    loop_walk walk = loop_start(&p->window);
    do {
        add_words(&s, x + walk.a, walk.count, walk.a_step);
    } while (loop_next(&walk));
    y[0] = mean(s.sums.a, p), y[1] = mean(s.sums.b, p), y[2] = mean(s.sums.c, p), y[3] = mean(s.sums.d, p);
}

void mean_packed_s8(int8_t *y, const int8_t *x, const mean_params *p) {
    loop_walk walk = loop_start(&p->outputs);
    do {
        const int8_t *in = x + walk.a;
        int32_t k = 0;
        if (walk.a_step == 1 && walk.count >= 4) {
            for (; k + 4 <= walk.count; k += 4) means_of_four(y + k, in + k, p);
            if (k < walk.count) means_of_four(y + walk.count - 4, in + walk.count - 4, p);
        } else {
            for (; k < walk.count; k++) y[k] = mean_of_one(in + k * walk.a_step, p);
        }
        y += walk.count;
    } while (loop_next(&walk));
}
