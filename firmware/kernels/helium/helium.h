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

// The same of two pixels.
INLINED void finish_eight(
    int8_t *y, int8_t *y_2, four sums, four sums_2, const int32_t *table, int32_t count, const vector_output *p
);

// bias[k] + sum_t x[t] * w[t / 16, k, t % 16] for k in [0, 4)    x (taps,)  w (chunks, 4, 16); w moves on to what follows.
INLINED four four_sums(const int8_t *x, const int8_t **w, int32_t taps, const int32_t *bias);

// The same of at most sixteen taps, which lie in 16 bytes, of the pixel with the largest sum.    x (pixels, 16)  w (4, 16)
INLINED four largest_of_few(const int8_t *x, const int8_t *w, int32_t taps, int32_t pixels, const int32_t *bias);

// As four_sums, of x and of x_2 and without the bias; sixteen taps at least.
INLINED void eight_sums(four *sums, four *sums_2, const int8_t *x, const int8_t *x_2, const int8_t **w, int32_t taps);
INLINED four with_bias(four sums, const int32_t *bias);

INLINED four larger_of_four(four a, four b);

// to[i] = from[places[i]] for i in [0, 16).
INLINED void gather_sixteen(int8_t *to, const int8_t *from, const uint8_t *places);

// to[i] = from[i], and to[i] = value, for i in [0, n). They return the end of what they wrote.
INLINED int8_t *copy_bytes(int8_t *to, const int8_t *from, int32_t n);
INLINED int8_t *fill_bytes(int8_t *to, int32_t value, int32_t n);

#ifdef VECTORS
// gcc alone would put them together in memory.
INLINED four side_by_side(int32_t a, int32_t b, int32_t c, int32_t d) {
    four all;
    __asm__("vmov %q[all][2], %q[all][0], %[a], %[c]\n"
            "vmov %q[all][3], %q[all][1], %[b], %[d]"
            : [all] "=&w"(all)
            : [a] "r"(a), [b] "r"(b), [c] "r"(c), [d] "r"(d));
    return all;
}

INLINED four sums_of_sixteen(int8x16_t x, int8x16_t w_0, int8x16_t w_1, int8x16_t w_2, int8x16_t w_3) {
    return side_by_side(vmladavq_s8(x, w_0), vmladavq_s8(x, w_1), vmladavq_s8(x, w_2), vmladavq_s8(x, w_3));
}

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

INLINED void finish_eight(
    int8_t *y, int8_t *y_2, four sums, four sums_2, const int32_t *table, int32_t count, const vector_output *p
) {
    const four v = bytes_of_four(sums, table, p), v_2 = bytes_of_four(sums_2, table, p);
    if (count >= 4) {
        vstrbq_s32(y, v), vstrbq_s32(y_2, v_2);
    } else {
        const mve_pred16_t there = vctp32q((uint32_t)count);
        vstrbq_p_s32(y, v, there), vstrbq_p_s32(y_2, v_2, there);
    }
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
    return side_by_side(a, b, c, d);
}

// Sixteen taps of two pixels at r1 and r3, weights at r5. Six loads for eight products, where a pixel alone takes five for four.
#define SIXTEEN_TAPS(product) \
    "vldrb.u8 q0, [r1], #16\n" \
    "vldrb.u8 q2, [r5], #16\n" \
    "vldrb.u8 q1, [r3], #16\n" product " r0, q0, q2\n" \
    "vldrb.u8 q3, [r5], #16\n" product " r8, q1, q2\n" product " r2, q0, q3\n" \
    "vldrb.u8 q2, [r5], #16\n" product " r10, q1, q3\n" product " r4, q0, q2\n" \
    "vldrb.u8 q3, [r5], #16\n" product " r12, q1, q2\n" product " r6, q0, q3\n" product " lr, q1, q3\n"

INLINED void eight_sums(four *sums, four *sums_2, const int8_t *x, const int8_t *x_2, const int8_t **w, int32_t taps) {
    const struct {
        const int8_t *x, *x_2, *w;
        int32_t left;
    } start = {x, x_2, *w, taps - 16};
    four first, second;
    // The sums take all registers that they can be in: one is lr, so r9 counts. r7 stays free, as in the packed kernels.
    __asm__ volatile(
        "ldm %[start], {r1, r3, r5, r9}\n" SIXTEEN_TAPS("vmladav.s8")
        "subs r9, #32\n"
        "blt 2f\n"
        "1:\n" SIXTEEN_TAPS("vmladava.s8") SIXTEEN_TAPS("vmladava.s8")
        "subs r9, #32\n"
        "bge 1b\n"
        "2:\n"
        "tst r9, #16\n"
        "beq 3f\n" SIXTEEN_TAPS("vmladava.s8")
        "3:\n"
        "vmov %q[first][2], %q[first][0], r0, r4\n"
        "vmov %q[first][3], %q[first][1], r2, r6\n"
        "vmov %q[second][2], %q[second][0], r8, r12\n"
        "vmov %q[second][3], %q[second][1], r10, lr\n"
        : [first] "=&w"(first), [second] "=&w"(second)
        : [start] "r"(&start)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "q0", "q1", "q2", "q3", "cc", "memory");
    const int32_t rest = taps % 16, whole = taps - rest;
    *w += 4 * whole;
    if (rest) {
        const mve_pred16_t there = vctp8q((uint32_t)rest);
        const int8x16_t seen = vldrbq_z_s8(x + whole, there), seen_2 = vldrbq_z_s8(x_2 + whole, there);
        const int8x16_t w_0 = vldrbq_s8(*w), w_1 = vldrbq_s8(*w + 16), w_2 = vldrbq_s8(*w + 32), w_3 = vldrbq_s8(*w + 48);
        first = vaddq_s32(first, sums_of_sixteen(seen, w_0, w_1, w_2, w_3));
        second = vaddq_s32(second, sums_of_sixteen(seen_2, w_0, w_1, w_2, w_3));
        *w += 64;
    }
    *sums = first;
    *sums_2 = second;
}
#undef SIXTEEN_TAPS

INLINED four with_bias(four sums, const int32_t *bias) { return vaddq_s32(sums, vldrwq_s32(bias)); }

INLINED four larger_of_four(four a, four b) { return vmaxq_s32(a, b); }

INLINED four largest_of_few(const int8_t *x, const int8_t *w, int32_t taps, int32_t pixels, const int32_t *bias) {
    (void)taps;  // weights behind them are zeros
    const int8x16_t w_0 = vldrbq_s8(w), w_1 = vldrbq_s8(w + 16), w_2 = vldrbq_s8(w + 32), w_3 = vldrbq_s8(w + 48);
    four best = vdupq_n_s32(INT32_MIN);
    for (; pixels > 3; pixels -= 4, x += 64) {
        best = vmaxq_s32(best, sums_of_sixteen(vldrbq_s8(x), w_0, w_1, w_2, w_3));
        best = vmaxq_s32(best, sums_of_sixteen(vldrbq_s8(x + 16), w_0, w_1, w_2, w_3));
        best = vmaxq_s32(best, sums_of_sixteen(vldrbq_s8(x + 32), w_0, w_1, w_2, w_3));
        best = vmaxq_s32(best, sums_of_sixteen(vldrbq_s8(x + 48), w_0, w_1, w_2, w_3));
    }
    for (; pixels > 0; pixels--, x += 16) best = vmaxq_s32(best, sums_of_sixteen(vldrbq_s8(x), w_0, w_1, w_2, w_3));
    return vaddq_s32(best, vldrwq_s32(bias));
}

INLINED void gather_sixteen(int8_t *to, const int8_t *from, const uint8_t *places) {
    vstrbq_s8(to, vldrbq_gather_offset_s8(from, vldrbq_u8(places)));
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

INLINED void finish_eight(
    int8_t *y, int8_t *y_2, four sums, four sums_2, const int32_t *table, int32_t count, const vector_output *p
) {
    finish_four(y, sums, table, count, p);
    finish_four(y_2, sums_2, table, count, p);
}

INLINED four four_sums(const int8_t *x, const int8_t **w, int32_t taps, const int32_t *bias) {
    four sums = {{bias[0], bias[1], bias[2], bias[3]}};
    for (int32_t t = 0; t < taps; t++) {
        for (int32_t k = 0; k < 4; k++) sums.lanes[k] += x[t] * (*w)[t / 16 * 64 + 16 * k + t % 16];
    }
    *w += (taps + 15) / 16 * 64;
    return sums;
}

INLINED void eight_sums(four *sums, four *sums_2, const int8_t *x, const int8_t *x_2, const int8_t **w, int32_t taps) {
    static const int32_t none[4] = {0};
    const int8_t *weights = *w;
    *sums = four_sums(x, &weights, taps, none);
    *sums_2 = four_sums(x_2, w, taps, none);
}

INLINED four with_bias(four sums, const int32_t *bias) {
    for (int32_t k = 0; k < 4; k++) sums.lanes[k] += bias[k];
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

INLINED void gather_sixteen(int8_t *to, const int8_t *from, const uint8_t *places) {
    for (int32_t i = 0; i < 16; i++) to[i] = from[places[i]];
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
