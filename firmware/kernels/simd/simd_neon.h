// The vectors of simd.h by Advanced SIMD, which every 64-bit Arm has.
#pragma once
#include <arm_neon.h>

typedef struct {
    int32x4_t low, high;
} eight;

INLINED eight load_eight(const int32_t *from) { return (eight){vld1q_s32(from), vld1q_s32(from + 4)}; }

typedef int16x8x2_t weight_pairs;  // the first weight of each pair, and the second one
INLINED weight_pairs load_pairs(const int16_t *w) { return vld2q_s16(w); }

INLINED eight add_products(eight sums, weight_pairs w, const int16_t *x) {
    int32_t both;
    memcpy(&both, x, sizeof both);
    const int16x4_t pair = vreinterpret_s16_s32(vdup_n_s32(both));
    const int32x4_t low = vmlal_lane_s16(sums.low, vget_low_s16(w.val[0]), pair, 0);
    const int32x4_t high = vmlal_high_lane_s16(sums.high, w.val[0], pair, 0);
    return (eight){
        vmlal_lane_s16(low, vget_low_s16(w.val[1]), pair, 1),
        vmlal_high_lane_s16(high, w.val[1], pair, 1),
    };
}

INLINED eight add_two_taps(eight sums, weight_pairs w, const int16_t *a, const int16_t *b) {
    const int16x8_t one = vld1q_s16(a), other = vld1q_s16(b);
    const int32x4_t low = vmlal_s16(sums.low, vget_low_s16(w.val[0]), vget_low_s16(one));
    const int32x4_t high = vmlal_high_s16(sums.high, w.val[0], one);
    return (eight){
        vmlal_s16(low, vget_low_s16(w.val[1]), vget_low_s16(other)),
        vmlal_high_s16(high, w.val[1], other),
    };
}

INLINED eight larger_of_eight(eight a, eight b) {
    return (eight){vmaxq_s32(a.low, b.low), vmaxq_s32(a.high, b.high)};
}

INLINED int32x4_t values_of_four(int32x4_t sums, const int32_t *table) {
    const int32x4_t product = vqrdmulhq_s32(sums, vld1q_s32(table + 8));
    const int32x4_t offset = vaddq_s32(vld1q_s32(table + 16), vshrq_n_s32(sums, 31));
    return vshlq_s32(vaddq_s32(product, offset), vnegq_s32(vld1q_s32(table + 24)));
}

INLINED void bytes_of_eight(int8_t *y, eight sums, const int32_t *table, const simd_output *p) {
    const int16x4_t low = vqmovn_s32(values_of_four(sums.low, table));
    const int8x8_t bytes = vqmovn_s16(vqmovn_high_s32(low, values_of_four(sums.high, table + 4)));
    vst1_s8(y, vmin_s8(vmax_s8(bytes, vdup_n_s8((int8_t)p->y_min)), vdup_n_s8((int8_t)p->y_max)));
}

INLINED void widen_eight(int16_t *to, const int8_t *from) { vst1q_s16(to, vmovl_s8(vld1_s8(from))); }
