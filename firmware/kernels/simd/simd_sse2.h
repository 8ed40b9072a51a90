// The vectors of simd.h by SSE2, which every x86-64 has.
#pragma once
#include <emmintrin.h>

typedef struct {
    __m128i low, high;
} eight;

INLINED __m128i load_128(const void *from) { return _mm_loadu_si128((const __m128i *)from); }

INLINED eight load_eight(const int32_t *from) { return (eight){load_128(from), load_128(from + 4)}; }

typedef eight weight_pairs;
INLINED weight_pairs load_pairs(const int16_t *w) { return (weight_pairs){load_128(w), load_128(w + 8)}; }

INLINED eight add_products(eight sums, weight_pairs w, const int16_t *x) {
    int32_t both;
    memcpy(&both, x, sizeof both);
    const __m128i pair = _mm_set1_epi32(both);
    return (eight){
        _mm_add_epi32(sums.low, _mm_madd_epi16(w.low, pair)),
        _mm_add_epi32(sums.high, _mm_madd_epi16(w.high, pair)),
    };
}

INLINED eight add_two_taps(eight sums, weight_pairs w, const int16_t *a, const int16_t *b) {
    const __m128i one = load_128(a), other = load_128(b);
    return (eight){
        _mm_add_epi32(sums.low, _mm_madd_epi16(w.low, _mm_unpacklo_epi16(one, other))),
        _mm_add_epi32(sums.high, _mm_madd_epi16(w.high, _mm_unpackhi_epi16(one, other))),
    };
}

INLINED __m128i larger_of_four(__m128i a, __m128i b) {
    const __m128i is_larger = _mm_cmpgt_epi32(a, b);
    return _mm_or_si128(_mm_and_si128(is_larger, a), _mm_andnot_si128(is_larger, b));
}

INLINED eight larger_of_eight(eight a, eight b) {
    return (eight){larger_of_four(a.low, b.low), larger_of_four(a.high, b.high)};
}

// The upper 32 bits of unsigned products, `added` to each of them before.
INLINED __m128i upper_products(__m128i a, __m128i b, __m128i added) {
    const __m128i even = _mm_add_epi64(_mm_mul_epu32(a, b), added);
    const __m128i odd = _mm_add_epi64(_mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32)), added);
    const __m128i upper = _mm_set1_epi64x(-(1ll << 32));
    return _mm_or_si128(_mm_srli_epi64(even, 32), _mm_and_si128(odd, upper));
}

// The products are unsigned: of a negative sum, which is taken for 2^32 more, the multiplier goes off again. There is no shift
// by as many bits as a lane says, so 2^(32 - shift) is multiplied with: made of the exponent of a float, where 2^31, which is
// no int32, becomes 0x80000000 as it should.
INLINED __m128i values_of_four(__m128i sums, const int32_t *table) {
    const __m128i multiplier = load_128(table + 8), negative = _mm_srai_epi32(sums, 31);
    const __m128i top = _mm_set1_epi32(INT32_MIN);
    const __m128i rounded = upper_products(_mm_add_epi32(sums, sums), multiplier, _mm_set1_epi64x(1ll << 31));
    const __m128i product = _mm_sub_epi32(rounded, _mm_and_si128(multiplier, negative));
    const __m128i value = _mm_add_epi32(_mm_add_epi32(product, load_128(table + 16)), negative);
    const __m128i exponent = _mm_sub_epi32(_mm_set1_epi32(127 + 32), load_128(table + 24));
    const __m128i factor = _mm_cvttps_epi32(_mm_castsi128_ps(_mm_slli_epi32(exponent, 23)));
    const __m128i shifted = upper_products(_mm_xor_si128(value, top), factor, _mm_setzero_si128());
    return _mm_sub_epi32(shifted, _mm_srli_epi32(factor, 1));
}

INLINED void store_bytes(int8_t *y, __m128i values, const simd_output *p) {  // eight int16, saturated
    values = _mm_max_epi16(values, _mm_set1_epi16((int16_t)p->y_min));
    values = _mm_min_epi16(values, _mm_set1_epi16((int16_t)p->y_max));
    _mm_storel_epi64((__m128i *)y, _mm_packs_epi16(values, values));
}

INLINED void bytes_of_eight(int8_t *y, eight sums, const int32_t *table, const simd_output *p) {
    store_bytes(y, _mm_packs_epi32(values_of_four(sums.low, table), values_of_four(sums.high, table + 4)), p);
}

INLINED void widen_eight(int16_t *to, const int8_t *from) {
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)from);
    _mm_storeu_si128((__m128i *)to, _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8));
}
