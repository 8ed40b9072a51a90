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
