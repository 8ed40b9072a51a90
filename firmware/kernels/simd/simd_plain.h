// The vectors of simd.h in plain C: what their functions mean.
#pragma once

typedef struct {
    int32_t lanes[8];
} eight;

INLINED eight load_eight(const int32_t *from) {
    eight v;
    memcpy(&v, from, sizeof v);
    return v;
}

typedef struct {
    int16_t taps[8][2];
} weight_pairs;

INLINED weight_pairs load_pairs(const int16_t *w) {
    weight_pairs pairs;
    memcpy(&pairs, w, sizeof pairs);
    return pairs;
}

// sums[k] + w[k,0] * x[0] + w[k,1] * x[1]
INLINED eight add_products(eight sums, weight_pairs w, const int16_t *x) {
    for (int32_t k = 0; k < 8; k++) sums.lanes[k] += w.taps[k][0] * x[0] + w.taps[k][1] * x[1];
    return sums;
}

// sums[k] + w[k,0] * a[k] + w[k,1] * b[k]
INLINED eight add_two_taps(eight sums, weight_pairs w, const int16_t *a, const int16_t *b) {
    for (int32_t k = 0; k < 8; k++) sums.lanes[k] += w.taps[k][0] * a[k] + w.taps[k][1] * b[k];
    return sums;
}

INLINED eight larger_of_eight(eight a, eight b) {
    for (int32_t k = 0; k < 8; k++) a.lanes[k] = a.lanes[k] > b.lanes[k] ? a.lanes[k] : b.lanes[k];
    return a;
}

// y (8,): the bytes that sums become by the constants behind `table`, which are simd_output's.
INLINED void bytes_of_eight(int8_t *y, eight sums, const int32_t *table, const simd_output *p) {
    for (int32_t k = 0; k < 8; k++) {
        const int32_t acc = sums.lanes[k], product = (int32_t)((2 * (int64_t)acc * table[8 + k] + (1ll << 31)) >> 32);
        const int32_t value = (product + table[16 + k] + (acc >> 31)) >> table[24 + k];
        y[k] = (int8_t)(value < p->y_min ? p->y_min : value > p->y_max ? p->y_max : value);
    }
}

// to[i] = from[i] for i in [0, 8).
INLINED void widen_eight(int16_t *to, const int8_t *from) {
    for (int32_t i = 0; i < 8; i++) to[i] = from[i];
}
