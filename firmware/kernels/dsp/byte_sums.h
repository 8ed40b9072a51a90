// Sums of bytes, four at a time: two in a word for as long as 16 bits hold them, then in 32.
#pragma once
#include "dsp.h"

#define MOST_IN_PAIRS 255  // times -128 fit 16 bits

typedef struct {
    sums_4 sums;  // of the first bytes of each word, of the second ones, ...
    uint32_t even, odd;  // lanes
} byte_sums;

// At most MOST_IN_PAIRS of them before the next `widen_sums`.
INLINED void add_bytes(byte_sums *s, const int8_t *x) {
    s->even = add_to_lanes(s->even, x, 0);
    s->odd = add_to_lanes(s->odd, x, 1);
}

INLINED void widen_sums(byte_sums *s) {
    s->sums.a += low_lane(s->even), s->sums.b += low_lane(s->odd);
    s->sums.c += high_lane(s->even), s->sums.d += high_lane(s->odd);
    s->even = s->odd = 0;
}
