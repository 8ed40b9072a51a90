// Sum and difference of two tensors. One of them has the larger scale, so that bringing it to the common scale is a
// shift; the other takes a multiplication and a rounded shift, and so does the sum.
#include "loops.h"
#include "packed.h"

#define USUAL_A_FACTOR (1 << 21)
#define USUAL_B_FACTOR (1 << 19)

// One sum with the usual factors: as constants they leave registers for everything else.
INLINED void usual_sum(int8_t *y, const int8_t *a, const int8_t *b, const packed_scale *from, const packed_scale *to) {
    const int32_t finer = packed_scaled(*a * USUAL_A_FACTOR + from->bias, from);
    *y = (int8_t)saturate_s8(packed_scaled(2 * (finer + *b * USUAL_B_FACTOR) + to->bias, to));
}

static __attribute__((noinline)) void sum_row(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, const add_packed_params *p
) {
    const packed_scale from = p->a, to = p->y;
    for (const int8_t *const end = a + (count & ~3); a != end; a += 4, b += 4, y += 4) {
        usual_sum(y, a, b, &from, &to);
        usual_sum(y + 1, a + 1, b + 1, &from, &to);
        usual_sum(y + 2, a + 2, b + 2, &from, &to);
        usual_sum(y + 3, a + 3, b + 3, &from, &to);
    }
    for (const int8_t *const end = a + (count & 3); a != end; a++, b++, y++) usual_sum(y, a, b, &from, &to);
}

// Of either sign and with any factors. `a_stays`, `b_stays`: one of them is the same for all of the row.
INLINED void signed_sums(
    int8_t *y, const int8_t *a, const int8_t *b, const loop_walk *walk, int a_stays, int b_stays, const add_packed_params *p
) {
    const packed_scale from = p->a, to = p->y;
    const int32_t a_factor = p->a_factor, a_sign = p->a_sign, b_factor = p->b_factor;
    const int32_t a_step = walk->a_step, b_step = walk->b_step;
    int32_t of_a = packed_scaled(*a * a_factor + from.bias, &from) * a_sign, of_b = *b * b_factor;
    for (const int8_t *const end = y + walk->count; y != end; a += a_step, b += b_step) {
        if (!a_stays) of_a = packed_scaled(*a * a_factor + from.bias, &from) * a_sign;
        if (!b_stays) of_b = *b * b_factor;
        *y++ = (int8_t)saturate_s8(packed_scaled(2 * (of_a + of_b) + to.bias, &to));
    }
}

static __attribute__((noinline)) void signed_row(
    int8_t *y, const int8_t *a, const int8_t *b, const loop_walk *walk, const add_packed_params *p
) {
    if (walk->b_step == 0) signed_sums(y, a, b, walk, 0, 1, p);
    else if (walk->a_step == 0) signed_sums(y, a, b, walk, 1, 0, p);
    else signed_sums(y, a, b, walk, 0, 0, p);
}

void add_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p) {
    loop_walk walk = loop_start(&p->loops);
    const int32_t usual_factors = p->a_factor == USUAL_A_FACTOR && p->a_sign == 1 && p->b_factor == USUAL_B_FACTOR;
    const int32_t is_usual = usual_factors && walk.a_step == 1 && walk.b_step == 1;
    int8_t *out = y;
    do {
        if (is_usual) {
            sum_row(out, a + walk.a, b + walk.b, walk.count, p);
        } else {
            signed_row(out, a + walk.a, b + walk.b, &walk, p);
        }
        out += walk.count;
    } while (loop_next(&walk));
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
