// Sum and difference of two tensors whose rows both go on byte by byte, four sums at a time.
#include "helium.h"
#include "loops.h"

#ifdef VECTORS
INLINED four scaled(four doubled, const packed_scale *p) {
    const four product = vaddq_s32(vrmulhq_s32(doubled, vdupq_n_s32(p->multiplier)), vshrq_n_s32(doubled, 31));
    return vshlq_r_s32(vaddq_n_s32(product, p->offset), -p->shift);
}

static __attribute__((noinline)) void sum_row_helium(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, const add_packed_params *p
) {
    const packed_scale from = p->a, to = p->y;
    const int32_t a_factor = p->a_factor, a_sign = 2 * p->a_sign, b_factor = 2 * p->b_factor;
    const four y_min = vdupq_n_s32(p->y_min), y_max = vdupq_n_s32(p->y_max);
    for (; count > 0; count -= 4, a += 4, b += 4, y += 4) {
        const mve_pred16_t some = vctp32q((uint32_t)count);
        const four finer = scaled(vaddq_n_s32(vmulq_n_s32(vldrbq_z_s32(a, some), a_factor), from.bias), &from);
        const four other = vaddq_n_s32(vmulq_n_s32(vldrbq_z_s32(b, some), b_factor), to.bias);
        const four sum = scaled(vaddq_s32(vmulq_n_s32(finer, a_sign), other), &to);
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(sum, y_min), y_max), some);
    }
}
#else
INLINED int32_t scaled(int32_t doubled, const packed_scale *p) {
    const int32_t product = (int32_t)(((int64_t)doubled * p->multiplier + (1ll << 31)) >> 32);
    return (product + p->offset + (doubled >> 31)) >> p->shift;
}

static void sum_row_helium(int8_t *y, const int8_t *a, const int8_t *b, int32_t count, const add_packed_params *p) {
    for (int32_t k = 0; k < count; k++) {
        const int32_t finer = scaled(a[k] * p->a_factor + p->a.bias, &p->a);
        const int32_t sum = scaled(2 * (finer * p->a_sign + b[k] * p->b_factor) + p->y.bias, &p->y);
        y[k] = (int8_t)(sum < p->y_min ? p->y_min : sum > p->y_max ? p->y_max : sum);
    }
}
#endif

void add_helium_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p) {
    loop_walk walk = loop_start(&p->loops);
    do {
        sum_row_helium(y, a + walk.a, b + walk.b, walk.count, p);
        y += walk.count;
    } while (loop_next(&walk));
}
