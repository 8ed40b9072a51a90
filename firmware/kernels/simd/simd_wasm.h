// The vectors of simd.h by the 128-bit vectors of WebAssembly.
#pragma once
#include <wasm_simd128.h>

typedef struct {
    v128_t low, high;
} eight;

INLINED eight load_eight(const int32_t *from) { return (eight){wasm_v128_load(from), wasm_v128_load(from + 4)}; }

typedef eight weight_pairs;
INLINED weight_pairs load_pairs(const int16_t *w) { return (weight_pairs){wasm_v128_load(w), wasm_v128_load(w + 8)}; }

INLINED eight add_products(eight sums, weight_pairs w, const int16_t *x) {
    const v128_t pair = wasm_v128_load32_splat(x);
    return (eight){
        wasm_i32x4_add(sums.low, wasm_i32x4_dot_i16x8(w.low, pair)),
        wasm_i32x4_add(sums.high, wasm_i32x4_dot_i16x8(w.high, pair)),
    };
}

INLINED eight add_two_taps(eight sums, weight_pairs w, const int16_t *a, const int16_t *b) {
    const v128_t one = wasm_v128_load(a), other = wasm_v128_load(b);
    const v128_t low = wasm_i16x8_shuffle(one, other, 0, 8, 1, 9, 2, 10, 3, 11);
    const v128_t high = wasm_i16x8_shuffle(one, other, 4, 12, 5, 13, 6, 14, 7, 15);
    return (eight){
        wasm_i32x4_add(sums.low, wasm_i32x4_dot_i16x8(w.low, low)),
        wasm_i32x4_add(sums.high, wasm_i32x4_dot_i16x8(w.high, high)),
    };
}

INLINED eight larger_of_eight(eight a, eight b) {
    return (eight){wasm_i32x4_max(a.low, b.low), wasm_i32x4_max(a.high, b.high)};
}

INLINED v128_t upper_halves(v128_t low, v128_t high) { return wasm_i32x4_shuffle(low, high, 1, 3, 5, 7); }

// No shift goes by as many bits as a lane says, so 2^(32 - shift) is multiplied with, made of the exponent of a float: an
// unsigned product, of the value and 2^31.
INLINED v128_t values_of_four(v128_t sums, const int32_t *table) {
    const v128_t doubled = wasm_i32x4_add(sums, sums), multiplier = wasm_v128_load(table + 8);
    const v128_t half = wasm_i64x2_const_splat(1ll << 31);
    const v128_t product = upper_halves(
        wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(doubled, multiplier), half),
        wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(doubled, multiplier), half)
    );
    const v128_t offset = wasm_i32x4_add(wasm_v128_load(table + 16), wasm_i32x4_shr(sums, 31));
    const v128_t exponent = wasm_i32x4_sub(wasm_i32x4_const_splat(127 + 32), wasm_v128_load(table + 24));
    const v128_t factor = wasm_u32x4_trunc_sat_f32x4(wasm_i32x4_shl(exponent, 23));
    const v128_t value = wasm_v128_xor(wasm_i32x4_add(product, offset), wasm_i32x4_const_splat(INT32_MIN));
    const v128_t shifted =
        upper_halves(wasm_u64x2_extmul_low_u32x4(value, factor), wasm_u64x2_extmul_high_u32x4(value, factor));
    return wasm_i32x4_sub(shifted, wasm_u32x4_shr(factor, 1));
}

INLINED void bytes_of_eight(int8_t *y, eight sums, const int32_t *table, const simd_output *p) {
    v128_t values =
        wasm_i16x8_narrow_i32x4(values_of_four(sums.low, table), values_of_four(sums.high, table + 4));
    values = wasm_i16x8_max(values, wasm_i16x8_splat((int16_t)p->y_min));
    values = wasm_i16x8_min(values, wasm_i16x8_splat((int16_t)p->y_max));
    wasm_v128_store64_lane(y, wasm_i8x16_narrow_i16x8(values, values), 0);
}

INLINED void widen_eight(int16_t *to, const int8_t *from) { wasm_v128_store(to, wasm_i16x8_load8x8(from)); }
