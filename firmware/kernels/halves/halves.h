// Two filters in one number: a multiplication with the word of both weights adds to the low and the high half of a sum. A
// half that leaves its 16 bits would be lost, so the taps come in segments, as long as the weights allow.
#pragma once
#include <stdint.h>

typedef int32_t seen_value;
#include "four_pixels.h"
#include "halves_kernels.h"

// Of one pixel the sum of all segments modulo 2^32, 2^15 added to each, and the sum of their high halves.
typedef struct {
    int32_t both, high;
} half_sums;

// sums (PIXELS,)  v (taps, PIXELS)  w: the segments of two filters. Returns what follows in w.
const int32_t *halves_dot(half_sums *sums, const int32_t *v, const int32_t *w);

// The doubled sums of the first filter, whose bias makes up for what was added, and of the second.
INLINED int32_t first_sum(const half_sums *s) { return (int32_t)(2 * ((uint32_t)s->both - ((uint32_t)s->high << 16))); }
INLINED int32_t second_sum(const half_sums *s) { return 2 * s->high; }

#ifdef THUMB_1
// y[k][o] and y[k][o + 1] = the bytes of both filters for each pixel k, before the clamp    sums (PIXELS,)  channels (2, 4)
void halves_bytes(int8_t *const *y, int32_t o, const half_sums *sums, const int32_t *channels);
#endif
