// Two 16-bit multiplications at a time, and what goes with them: the DSP extension of the Cortex-M4 and its kin, and the
// same in plain C for every other core. The packed kernels include it; no other file knows an instruction.
//
// Values come in quads: four int8 that lie side by side become four int16 in the order 0, 2, 1, 3, which is what one
// instruction each makes of the even and of the odd bytes of a word. The export packs weights in the same order.
// Little-endian. Tables and quads are 4-byte aligned; bytes of int8 need not be.
#pragma once
#include <stdint.h>
#include <string.h>

// Not without optimization: GCC then has too few registers left for the loops in assembly.
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__OPTIMIZE__)
#define DSP_INSTRUCTIONS
#endif

// The instruction set of the Cortex-M0 and M0+: eight registers that multiply, products of 32 bits, aligned words. In that
// of the ARM7 and ARM9, which is older, moves between those eight are missing.
#if defined(__thumb__) && !defined(__thumb2__) && __ARM_ARCH >= 6
#define THUMB_1
#endif

// Inlined whatever is optimized for: a call of these costs more than what they do.
#define INLINED __attribute__((always_inline)) static inline

// A sum modulo 2^32, of plain C that adds in an order of its own. An analysis that is to follow how large sums get defines
// MODULAR as a signed type in which none overflows: converted to int32_t they are the same.
#ifndef MODULAR
#define MODULAR uint32_t
#endif
typedef MODULAR modular;

// Four sums of products, of four neighbouring output channels.
typedef struct {
    int32_t a, b, c, d;
} sums_4;

// (a * b + 2^31) / 2^32, rounded down: with a = 2 * acc what requantize.h's multiply_high makes of acc and b.
INLINED int32_t multiply_high_rounded(int32_t a, int32_t b);

// acc + that product.
INLINED int32_t multiply_high_add(int32_t acc, int32_t a, int32_t b);

// The nearest int8.
INLINED int32_t saturate_s8(int32_t value);

// A pair is two int16 in a word. Bytes 0 and 2, or 1 and 3, of a word as a pair; sum and difference of two pairs.
INLINED uint32_t even_bytes(uint32_t word);
INLINED uint32_t odd_bytes(uint32_t word);
INLINED uint32_t add_pairs(uint32_t a, uint32_t b);
INLINED uint32_t subtract_pairs(uint32_t a, uint32_t b);

// Two numbers on their way through sums and differences, as a core adds two at once: bytes 0 and 2, or 1 and 3, of four.
// Sums must stay in 16 bits. As a pair in v (2,) once they are done.
INLINED uint32_t load_lanes(const int8_t *x, int odd);
INLINED uint32_t add_lanes(uint32_t a, uint32_t b);
INLINED uint32_t subtract_lanes(uint32_t a, uint32_t b);
INLINED void store_lanes(int16_t *v, uint32_t lanes);
INLINED uint32_t add_to_lanes(uint32_t lanes, const int8_t *x, int odd);
INLINED int32_t low_lane(uint32_t lanes);
INLINED int32_t high_lane(uint32_t lanes);

// Whether four bytes in a word are compared sooner than one after the other.
#if defined(THUMB_1) || defined(__riscv)
#define COMPARES_WORDS 0
#else
#define COMPARES_WORDS 1
#endif

// The larger one of each of the four int8 of two words.
INLINED uint32_t larger_bytes(uint32_t a, uint32_t b);

// The low halves of two pairs as a pair, and the high halves.
INLINED uint32_t low_halves(uint32_t a, uint32_t b);
INLINED uint32_t high_halves(uint32_t a, uint32_t b);

// acc + both products of two pairs; acc + the low half of x times the high half of w; and the other way round.
INLINED int32_t multiply_add(int32_t acc, uint32_t x, uint32_t w);
INLINED int32_t multiply_add_low_high(int32_t acc, uint32_t x, uint32_t w);
INLINED int32_t multiply_add_high_low(int32_t acc, uint32_t x, uint32_t w);

INLINED int32_t low_half(uint32_t pair) { return (int16_t)(pair & 0xffff); }
INLINED int32_t high_half(uint32_t pair) { return (int16_t)(pair >> 16); }

// Plain C needs all registers for these loops: within a larger function it would not keep the sums in them.
#ifdef DSP_INSTRUCTIONS
#define DOT_LINKAGE static inline
#else
#define DOT_LINKAGE __attribute__((noinline, unused)) static
#endif

// sums[k] = sum_q sum_t x[q,t] * w[q,k,t]    x (quads, 4)  w (quads, 4, 4); quads at least 1
// x and w move on to what follows them. The weights are bytes as they come, which are spread out on the way:
// w[q,k,0..3] meets x[q,(0,2,1,3)].
DOT_LINKAGE sums_4 dot_4_s8(const int16_t **x, const int8_t **w, int32_t quads);

// The same sum of one filter    w (quads, 4)
DOT_LINKAGE int32_t dot_1_s8(const int16_t *x, const int8_t *w, int32_t quads);

// Four pixels with the ten taps that each sees, on their way through a convolution with max pooling.
typedef struct {
    int16_t taps[40];    // (4, 10)
    const int32_t *end;  // of the channels
    int8_t *y;           // the next byte to be written
} narrow_tile;

// *y++ = the output byte of the largest of the tile's four sums, for each of channels (y_c, 9): five pairs of doubled
// weights, 2 * bias, multiplier, offset, shift
INLINED void narrow_channels(narrow_tile *tile, const int32_t *channels);

#ifdef DSP_INSTRUCTIONS
#include "dsp_cortex_m.h"
#else
#include "dsp_portable.h"
#endif

INLINED uint32_t load_word(const int8_t *x) {
#ifdef THUMB_1
    const uint32_t low = (uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8;  // what copies four bytes there is a call
    return low | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24;
#else
    uint32_t word;
#if defined(DSP_INSTRUCTIONS) && !defined(__ARM_FEATURE_UNALIGNED)
    // clang before version 17 loads bytes unless told otherwise, though every core with these instructions loads words.
    const struct { int8_t bytes[4]; } *const four = (const void *)x;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*four));
#else
    __builtin_memcpy(&word, x, sizeof word);  // memcpy would be a call in freestanding code
#endif
    return word;
#endif
}

INLINED void store_word(int8_t *y, uint32_t word) {
#if defined(DSP_INSTRUCTIONS) && !defined(__ARM_FEATURE_UNALIGNED)
    struct { int8_t bytes[4]; } *const four = (void *)y;
    __asm__("str %1, %0" : "=m"(*four) : "r"(word));
#else
    __builtin_memcpy(y, &word, sizeof word);
#endif
}

INLINED uint32_t load_pair(const int16_t *x) {
    uint32_t pair;
    __builtin_memcpy(&pair, __builtin_assume_aligned(x, 4), sizeof pair);
    return pair;
}

// y[0..1] = the pair
INLINED void store_pair(int16_t *y, uint32_t pair) {
    __builtin_memcpy(__builtin_assume_aligned(y, 4), &pair, sizeof pair);
}

#ifdef DSP_INSTRUCTIONS
INLINED uint32_t load_lanes(const int8_t *x, int odd) {
    return odd ? odd_bytes(load_word(x)) : even_bytes(load_word(x));
}
INLINED uint32_t add_lanes(uint32_t a, uint32_t b) { return add_pairs(a, b); }
INLINED uint32_t subtract_lanes(uint32_t a, uint32_t b) { return subtract_pairs(a, b); }
INLINED void store_lanes(int16_t *v, uint32_t lanes) { store_pair(v, lanes); }
INLINED uint32_t add_to_lanes(uint32_t lanes, const int8_t *x, int odd) {
    return odd ? add_odd_bytes(lanes, load_word(x)) : add_even_bytes(lanes, load_word(x));
}
INLINED int32_t low_lane(uint32_t lanes) { return low_half(lanes); }
INLINED int32_t high_lane(uint32_t lanes) { return high_half(lanes); }
#else
// The number 2^16 * high + low, which one addition adds; of a low half below zero the high one is too small by one.
INLINED uint32_t load_lanes(const int8_t *x, int odd) { return (uint32_t)x[odd] + ((uint32_t)x[2 + odd] << 16); }
INLINED uint32_t add_lanes(uint32_t a, uint32_t b) { return a + b; }
INLINED uint32_t subtract_lanes(uint32_t a, uint32_t b) { return a - b; }
INLINED void store_lanes(int16_t *v, uint32_t lanes) { store_pair(v, (lanes + 0x8000) ^ 0x8000); }
INLINED uint32_t add_to_lanes(uint32_t lanes, const int8_t *x, int odd) { return lanes + load_lanes(x, odd); }
INLINED int32_t low_lane(uint32_t lanes) { return low_half(lanes); }
INLINED int32_t high_lane(uint32_t lanes) { return high_half(lanes + 0x8000); }
#endif

// y[0..3] = the quad of the two pairs
INLINED void store_quad(int16_t *y, uint32_t even, uint32_t odd) {
    store_pair(y, even);
    store_pair(y + 2, odd);
}

// y = x in quads: x (n,) -> y (n rounded up to a multiple of 4,), zeros at the end
INLINED void widen(int16_t *y, const int8_t *x, int32_t n) {
    for (; n >= 4; n -= 4, x += 4, y += 4) store_quad(y, even_bytes(load_word(x)), odd_bytes(load_word(x)));
    if (n > 0) {
        int8_t rest[4] = {0, 0, 0, 0};
        for (int32_t t = 0; t < n; t++) rest[t] = x[t];
        store_quad(y, even_bytes(load_word(rest)), odd_bytes(load_word(rest)));
    }
}

#undef DOT_LINKAGE
