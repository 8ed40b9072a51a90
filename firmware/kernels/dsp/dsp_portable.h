// dsp.h for cores without DSP instructions: the same results in plain C, from the same tables.
#pragma once

#ifdef THUMB_1
// Of four products of 16 bits each: one of 64 bits would be a call.
INLINED int32_t multiply_high_rounded(int32_t a, int32_t b) {
    const uint32_t a_low = a & 0xffff, b_low = b & 0xffff;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const int32_t first = a_high * (int32_t)b_low + (int32_t)((a_low * b_low >> 16) + 0x8000);  // it just fits
    const int32_t second = (int32_t)a_low * b_high;
    const int32_t low = (first & 0xffff) + (second & 0xffff);
    return a_high * b_high + (first >> 16) + (second >> 16) + (low >> 16);
}
#else
INLINED int32_t multiply_high_rounded(int32_t a, int32_t b) {
    const int64_t product = (int64_t)a * b;
    return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
}
#endif

INLINED int32_t multiply_high_add(int32_t acc, int32_t a, int32_t b) { return acc + multiply_high_rounded(a, b); }

INLINED int32_t saturate_s8(int32_t value) { return value < -128 ? -128 : value > 127 ? 127 : value; }

INLINED uint32_t pair(int32_t low, int32_t high) { return ((uint32_t)low & 0xffff) | (uint32_t)high << 16; }

INLINED uint32_t even_bytes(uint32_t word) { return pair((int8_t)(word & 0xff), (int8_t)(word >> 16 & 0xff)); }

INLINED uint32_t odd_bytes(uint32_t word) { return even_bytes(word >> 8); }

INLINED uint32_t add_pairs(uint32_t a, uint32_t b) { return ((a + b) & 0xffff) | ((a >> 16) + (b >> 16)) << 16; }

INLINED uint32_t subtract_pairs(uint32_t a, uint32_t b) {
    return ((a - b) & 0xffff) | ((a >> 16) - (b >> 16)) << 16;
}

INLINED uint32_t larger_bytes(uint32_t a, uint32_t b) {
    uint32_t y = 0;
    for (int32_t k = 0; k < 32; k += 8) {
        const int8_t first = (int8_t)(a >> k & 0xff), second = (int8_t)(b >> k & 0xff);
        y |= (uint32_t)(uint8_t)(first > second ? first : second) << k;
    }
    return y;
}

INLINED uint32_t low_halves(uint32_t a, uint32_t b) { return (a & 0xffff) | b << 16; }

INLINED uint32_t high_halves(uint32_t a, uint32_t b) { return a >> 16 | (b & 0xffff0000u); }

INLINED int32_t multiply_add(int32_t acc, uint32_t x, uint32_t w) {
    return acc + low_half(x) * low_half(w) + high_half(x) * high_half(w);
}

INLINED int32_t multiply_add_low_high(int32_t acc, uint32_t x, uint32_t w) {
    return acc + low_half(x) * high_half(w);
}

INLINED int32_t multiply_add_high_low(int32_t acc, uint32_t x, uint32_t w) {
    return acc + high_half(x) * low_half(w);
}

DOT_LINKAGE sums_4 dot_4_s8(const int16_t **x, const int8_t **w, int32_t quads) {
    sums_4 s = {0, 0, 0, 0};
    const int16_t *v = *x;
    const int8_t *u = *w;
    for (; quads > 0; quads--, v += 4, u += 16) {
        const int32_t v0 = v[0], v1 = v[2], v2 = v[1], v3 = v[3];
        s.a += v0 * u[0] + v1 * u[1] + v2 * u[2] + v3 * u[3];
        s.b += v0 * u[4] + v1 * u[5] + v2 * u[6] + v3 * u[7];
        s.c += v0 * u[8] + v1 * u[9] + v2 * u[10] + v3 * u[11];
        s.d += v0 * u[12] + v1 * u[13] + v2 * u[14] + v3 * u[15];
    }
    *x = v;
    *w = u;
    return s;
}

DOT_LINKAGE int32_t dot_1_s8(const int16_t *x, const int8_t *w, int32_t quads) {
    int32_t sum = 0;
    for (const int8_t *const end = w + 4 * quads; w != end; x += 4, w += 4) {
        sum += x[0] * w[0] + x[2] * w[1] + x[1] * w[2] + x[3] * w[3];
    }
    return sum;
}

INLINED int32_t larger_of_two(int32_t a, int32_t b) { return a > b ? a : b; }

INLINED void narrow_channels(narrow_tile *tile, const int32_t *channels) {
    for (; channels != tile->end; channels += 9) {
        const int16_t *x = tile->taps;
        int32_t a = 0, b = 0, c = 0, d = 0;
        for (int32_t t = 0; t < 5; t++, x += 2) {
            const int32_t first = low_half((uint32_t)channels[t]), second = channels[t] >> 16;
            a += x[0] * first + x[1] * second;
            b += x[10] * first + x[11] * second;
            c += x[20] * first + x[21] * second;
            d += x[30] * first + x[31] * second;
        }
        const int32_t best = larger_of_two(larger_of_two(a, b), larger_of_two(c, d));
        const int32_t product = multiply_high_rounded(best + channels[5], channels[6]);
        *tile->y++ = (int8_t)saturate_s8((product + (product >> 31) + channels[7]) >> channels[8]);
    }
}
