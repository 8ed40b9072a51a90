// The inner loop of the convolutions with two filters in a number, in plain C: for cores with registers enough.
#include "halves.h"

#ifndef THUMB_1
#define FLUSH(sum, k)                                                        \
    sums[k].both = (int32_t)((uint32_t)sums[k].both + sum);                  \
    sums[k].high += (int32_t)sum >> 16

const int32_t *halves_dot(half_sums *to, const int32_t *v, const int32_t *w) {
    half_sums sums[PIXELS] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
    for (int32_t bytes = *w++; bytes != 0; bytes = *w++) {
        uint32_t a = 0x8000, b = a, c = a, d = a;
        const int32_t *const end = (const int32_t *)(const void *)((const char *)v + bytes);
        do {
            const uint32_t first = (uint32_t)w[0], second = (uint32_t)w[1];
            a += (uint32_t)v[0] * first;
            b += (uint32_t)v[1] * first;
            c += (uint32_t)v[2] * first;
            d += (uint32_t)v[3] * first;
            a += (uint32_t)v[4] * second;
            b += (uint32_t)v[5] * second;
            c += (uint32_t)v[6] * second;
            d += (uint32_t)v[7] * second;
            v += 2 * PIXELS;
            w += 2;
        } while (v != end);
        FLUSH(a, 0);
        FLUSH(b, 1);
        FLUSH(c, 2);
        FLUSH(d, 3);
    }
    for (int32_t k = 0; k < PIXELS; k++) to[k] = sums[k];
    return w;
}

#undef FLUSH
#endif
