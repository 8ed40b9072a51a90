// Vectors of 128 bits, and what goes with them: the M-profile vector extension, and the same in plain C, by which tests hold
// the kernels on any machine. The kernels of this folder include it; no other file of them knows an instruction.
#pragma once
#include <stdint.h>

#include "helium_kernels.h"

#if defined(__ARM_FEATURE_MVE) && defined(__OPTIMIZE__)
#define VECTORS
#include <arm_mve.h>
#endif

#define INLINED __attribute__((always_inline)) static inline

#ifdef VECTORS
typedef int32x4_t four;
#else
typedef struct {
    int32_t lanes[4];
} four;
#endif

// The constants of four channels behind `table`, as vector_output has them, and what it ends with.
INLINED void finish_four(int8_t *y, four sums, const int32_t *table, int32_t count, const vector_output *p);

// bias[k] + sum_t x[t] * w[t / 16, k, t % 16] for k in [0, 4)    x (taps,)  w (chunks, 4, 16); w moves on to what follows.
INLINED four four_sums(const int8_t *x, const int8_t **w, int32_t taps, const int32_t *bias);

// The same of at most sixteen taps, which lie in 16 bytes, of the pixel with the largest sum.    x (pixels, 16)  w (4, 16)
INLINED four largest_of_few(const int8_t *x, const int8_t *w, int32_t taps, int32_t pixels, const int32_t *bias);

INLINED four larger_of_four(four a, four b);

// to[i] = from[i], and to[i] = value, for i in [0, n). They return the end of what they wrote.
INLINED int8_t *copy_bytes(int8_t *to, const int8_t *from, int32_t n);
INLINED int8_t *fill_bytes(int8_t *to, int32_t value, int32_t n);

#ifdef VECTORS
// The bytes, in the lanes of the sums.
INLINED four bytes_of_four(four sums, const int32_t *table, const vector_output *p) {
    four v = vqrdmulhq_s32(sums, vldrwq_s32(table + 4));
    v = vaddq_s32(vaddq_s32(v, vldrwq_s32(table + 8)), vshrq_n_s32(sums, 31));
    v = vshlq_s32(v, vldrwq_s32(table + 12));
    return vminq_s32(vmaxq_s32(v, vdupq_n_s32(p->y_min)), vdupq_n_s32(p->y_max));
}

INLINED void finish_four(int8_t *y, four sums, const int32_t *table, int32_t count, const vector_output *p) {
    const four v = bytes_of_four(sums, table, p);
    if (count >= 4) vstrbq_s32(y, v);
    else vstrbq_p_s32(y, v, vctp32q((uint32_t)count));
}

INLINED four four_sums(const int8_t *x, const int8_t **w, int32_t taps, const int32_t *bias) {
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
    const int8_t *weights = *w;
    __asm__ volatile(
        "wlstp.8 lr, %[taps], 2f\n"
        "1:\n"
        "vldrb.u8 q0, [%[x]], #16\n"
        "vldrb.u8 q1, [%[w]], #16\n"
        "vmladava.s8 %[a], q0, q1\n"
        "vldrb.u8 q2, [%[w]], #16\n"
        "vmladava.s8 %[b], q0, q2\n"
        "vldrb.u8 q3, [%[w]], #16\n"
        "vmladava.s8 %[c], q0, q3\n"
        "vldrb.u8 q1, [%[w]], #16\n"
        "vmladava.s8 %[d], q0, q1\n"
        "letp lr, 1b\n"
        "2:\n"
        : [a] "+Te"(a), [b] "+Te"(b), [c] "+Te"(c), [d] "+Te"(d), [x] "+r"(x), [w] "+r"(weights)
        : [taps] "r"(taps)
        : "lr", "q0", "q1", "q2", "q3", "memory");
    *w = weights;
    return (four){a, b, c, d};
}

INLINED four larger_of_four(four a, four b) { return vmaxq_s32(a, b); }

INLINED four largest_of_few(const int8_t *x, const int8_t *w, int32_t taps, int32_t pixels, const int32_t *bias) {
    (void)taps;  // weights behind them are zeros
    const int8x16_t w_0 = vldrbq_s8(w), w_1 = vldrbq_s8(w + 16), w_2 = vldrbq_s8(w + 32), w_3 = vldrbq_s8(w + 48);
    four best = vdupq_n_s32(INT32_MIN);
    for (; pixels > 0; pixels--, x += 16) {
        const int8x16_t seen = vldrbq_s8(x);
        const four sums = {
            vmladavq_s8(seen, w_0), vmladavq_s8(seen, w_1), vmladavq_s8(seen, w_2), vmladavq_s8(seen, w_3),
        };
        best = vmaxq_s32(best, sums);
    }
    return vaddq_s32(best, vldrwq_s32(bias));
}

INLINED int8_t *copy_bytes(int8_t *to, const int8_t *from, int32_t n) {
    int8_t *next = to;
    __asm__ volatile(
        "wlstp.8 lr, %[n], 2f\n"
        "1:\n"
        "vldrb.u8 q0, [%[from]], #16\n"
        "vstrb.u8 q0, [%[to]], #16\n"
        "letp lr, 1b\n"
        "2:\n"
        : [to] "+r"(next), [from] "+r"(from)
        : [n] "r"(n)
        : "lr", "q0", "memory");
    return to + n;
}

INLINED int8_t *fill_bytes(int8_t *to, int32_t value, int32_t n) {
    int8_t *next = to;
    __asm__ volatile(
        "vdup.8 q0, %[value]\n"
        "wlstp.8 lr, %[n], 2f\n"
        "1:\n"
        "vstrb.u8 q0, [%[to]], #16\n"
        "letp lr, 1b\n"
        "2:\n"
        : [to] "+r"(next)
        : [n] "r"(n), [value] "r"(value)
        : "lr", "q0", "memory");
    return to + n;
}
#else
INLINED void finish_four(int8_t *y, four sums, const int32_t *table, int32_t count, const vector_output *p) {
    for (int32_t k = 0; k < 4 && k < count; k++) {
        const int32_t acc = sums.lanes[k], product = (int32_t)((2 * (int64_t)acc * table[4 + k] + (1ll << 31)) >> 32);
        const int32_t value = (product + table[8 + k] + (acc >> 31)) >> -table[12 + k];
        y[k] = (int8_t)(value < p->y_min ? p->y_min : value > p->y_max ? p->y_max : value);
    }
}

INLINED four four_sums(const int8_t *x, const int8_t **w, int32_t taps, const int32_t *bias) {
    four sums = {{bias[0], bias[1], bias[2], bias[3]}};
    for (int32_t t = 0; t < taps; t++) {
        for (int32_t k = 0; k < 4; k++) sums.lanes[k] += x[t] * (*w)[t / 16 * 64 + 16 * k + t % 16];
    }
    *w += (taps + 15) / 16 * 64;
    return sums;
}

INLINED four larger_of_four(four a, four b) {
    for (int32_t k = 0; k < 4; k++) a.lanes[k] = a.lanes[k] > b.lanes[k] ? a.lanes[k] : b.lanes[k];
    return a;
}

INLINED four largest_of_few(const int8_t *x, const int8_t *w, int32_t taps, int32_t pixels, const int32_t *bias) {
    const int8_t *next = w;
    four best = four_sums(x, &next, taps, bias);
    for (int32_t k = 1; k < pixels; k++) {
        next = w;
        best = larger_of_four(best, four_sums(x + 16 * k, &next, taps, bias));
    }
    return best;
}

INLINED int8_t *copy_bytes(int8_t *to, const int8_t *from, int32_t n) {
    while (n-- > 0) *to++ = *from++;
    return to;
}

INLINED int8_t *fill_bytes(int8_t *to, int32_t value, int32_t n) {
    while (n-- > 0) *to++ = (int8_t)value;
    return to;
}
#endif
