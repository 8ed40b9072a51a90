// The vectors of simd.h by AVX2, where the compiler is told of it.
#pragma once
#include <immintrin.h>

typedef __m256i eight;

INLINED eight load_256(const void *from) { return _mm256_loadu_si256((const __m256i *)from); }

INLINED eight load_eight(const int32_t *from) { return load_256(from); }

typedef eight weight_pairs;
INLINED weight_pairs load_pairs(const int16_t *w) { return load_256(w); }

INLINED eight add_products(eight sums, weight_pairs w, const int16_t *x) {
    int32_t both;
    memcpy(&both, x, sizeof both);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(w, _mm256_set1_epi32(both)));
}

INLINED eight add_two_taps(eight sums, weight_pairs w, const int16_t *a, const int16_t *b) {
    const __m128i one = _mm_loadu_si128((const __m128i *)a), other = _mm_loadu_si128((const __m128i *)b);
    const eight both = _mm256_set_m128i(_mm_unpackhi_epi16(one, other), _mm_unpacklo_epi16(one, other));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(w, both));
}

INLINED eight larger_of_eight(eight a, eight b) { return _mm256_max_epi32(a, b); }

INLINED eight rounded_products(eight a, eight b) {
    const eight half = _mm256_set1_epi64x(1ll << 31);
    const eight even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    const eight odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

INLINED void bytes_of_eight(int8_t *y, eight sums, const int32_t *table, const simd_output *p) {
    const eight product = rounded_products(_mm256_add_epi32(sums, sums), load_256(table + 8));
    const eight offset = _mm256_add_epi32(load_256(table + 16), _mm256_srai_epi32(sums, 31));
    const eight value = _mm256_srav_epi32(_mm256_add_epi32(product, offset), load_256(table + 24));
    __m128i narrow = _mm_packs_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    narrow = _mm_max_epi16(narrow, _mm_set1_epi16((int16_t)p->y_min));
    narrow = _mm_min_epi16(narrow, _mm_set1_epi16((int16_t)p->y_max));
    _mm_storel_epi64((__m128i *)y, _mm_packs_epi16(narrow, narrow));
}

INLINED void widen_eight(int16_t *to, const int8_t *from) {
    _mm_storeu_si128((__m128i *)to, _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)from)));
}
