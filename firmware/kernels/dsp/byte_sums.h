// Sums of bytes, four at a time: two in a word for as long as 16 bits hold them, then in 32.
#pragma once
#include "dsp.h"

#define MOST_IN_PAIRS 255  // times -128 fit 16 bits

typedef struct {
    sums_4 sums;  // of the first bytes of each word, of the second ones, ...
    uint32_t even, odd;
} byte_sums;

// At most MOST_IN_PAIRS of them before the next `widen_sums`.
INLINED void add_bytes(byte_sums *s, uint32_t word) {
    s->even = add_pairs(s->even, even_bytes(word));
    s->odd = add_pairs(s->odd, odd_bytes(word));
}

INLINED void widen_sums(byte_sums *s) {
    s->sums.a += low_half(s->even), s->sums.b += low_half(s->odd);
    s->sums.c += high_half(s->even), s->sums.d += high_half(s->odd);
    s->even = s->odd = 0;
}
