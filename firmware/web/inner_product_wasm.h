// Inner products with the 128-bit vectors of WebAssembly: eight multiplications an instruction, exact in 32 bits.
#pragma once
#include <stdint.h>
#include <wasm_simd128.h>

// s + the products of eight int16, in sums of two.
static inline v128_t add_products(v128_t s, v128_t a, v128_t b) {
    return wasm_i32x4_add(s, wasm_i32x4_dot_i16x8(a, b));
}

// acc + sum_i a[i] * b[i]    a (n,)  b (n,)
static inline int32_t inner_product(int32_t acc, const int8_t *a, const int8_t *b, int32_t n) {
    v128_t s = wasm_i32x4_const_splat(0), t = s;
    for (; n >= 16; n -= 16, a += 16, b += 16) {
        const v128_t x = wasm_v128_load(a), w = wasm_v128_load(b);
        s = add_products(s, wasm_i16x8_extend_low_i8x16(x), wasm_i16x8_extend_low_i8x16(w));
        t = add_products(t, wasm_i16x8_extend_high_i8x16(x), wasm_i16x8_extend_high_i8x16(w));
    }
    if (n >= 8) {
        s = add_products(s, wasm_i16x8_load8x8(a), wasm_i16x8_load8x8(b));
        n -= 8, a += 8, b += 8;
    }
    s = wasm_i32x4_add(s, t);
    acc += wasm_i32x4_extract_lane(s, 0) + wasm_i32x4_extract_lane(s, 1);
    acc += wasm_i32x4_extract_lane(s, 2) + wasm_i32x4_extract_lane(s, 3);
    for (; n > 0; n--) acc += *a++ * *b++;
    return acc;
}

// The int32 sums of four vectors' lanes, in order.
static inline v128_t sums_of_lanes(v128_t a, v128_t b, v128_t c, v128_t d) {
    const v128_t ab = wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
    const v128_t cd = wasm_i32x4_add(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
    return wasm_i32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

#define FILTERS_AT_ONCE 4
// Each part of a window is loaded and widened once for four filters, and their sums are added up together.
// acc[k] = bias[k] + sum_i x[i] * w[k,i]    acc (4,)  bias (4,)  x (n,)  w (4, n)
static inline void inner_products(int32_t *acc, const int32_t *bias, const int8_t *x, const int8_t *w, int32_t n) {
    const v128_t zero = wasm_i32x4_const_splat(0);
    v128_t s[4] = {zero, zero, zero, zero};
    int32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const v128_t seen = wasm_i16x8_load8x8(x + i);
        for (int32_t k = 0; k < 4; k++) s[k] = add_products(s[k], seen, wasm_i16x8_load8x8(w + k * n + i));
    }
    if (i < n && n >= 8) {  // the last eight once more, without those that are counted
        const v128_t lanes = wasm_i16x8_make(0, 1, 2, 3, 4, 5, 6, 7);
        const v128_t fresh = wasm_i16x8_ge(lanes, wasm_i16x8_splat((int16_t)(8 - (n - i))));
        const v128_t seen = wasm_v128_and(wasm_i16x8_load8x8(x + n - 8), fresh);
        for (int32_t k = 0; k < 4; k++) s[k] = add_products(s[k], seen, wasm_i16x8_load8x8(w + k * n + n - 8));
        i = n;
    }
    wasm_v128_store(acc, wasm_i32x4_add(wasm_v128_load(bias), sums_of_lanes(s[0], s[1], s[2], s[3])));
    for (; i < n; i++) {
        for (int32_t k = 0; k < 4; k++) acc[k] += x[i] * w[k * n + i];
    }
}
