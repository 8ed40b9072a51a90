// Product of two tensors, one of which may stay the same along a row.
#include "loops.h"
#include "packed.h"

INLINED void product(int8_t *y, const int8_t *a, const int8_t *b, const mul_packed_params *p, const packed_scale *to) {
    const int32_t doubled = (*a - p->a_zero_point) * (*b * p->b_factor + p->b_offset);
    *y = (int8_t)saturate_s8(packed_scaled(doubled, to));
}

// b_step: 1 or 0
INLINED void mul_row(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, int32_t b_step, const mul_packed_params *params
) {
    const mul_packed_params p = *params;
    const packed_scale to = params->y;
    for (const int8_t *const end = a + (count & ~3); a != end; a += 4, b += 4 * b_step, y += 4) {
        product(y, a, b, &p, &to);
        product(y + 1, a + 1, b + b_step, &p, &to);
        product(y + 2, a + 2, b + 2 * b_step, &p, &to);
        product(y + 3, a + 3, b + 3 * b_step, &p, &to);
    }
    for (const int8_t *const end = a + (count & 3); a != end; a++, b += b_step, y++) product(y, a, b, &p, &to);
}

// Functions of their own, so that the loops have all registers.
static __attribute__((noinline)) void mul_rows(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, const mul_packed_params *p
) {
    mul_row(y, a, b, count, 1, p);
}

static __attribute__((noinline)) void mul_row_by_one(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, const mul_packed_params *p
) {
    mul_row(y, a, b, count, 0, p);
}

void mul_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const mul_packed_params *p) {
    loop_walk walk = loop_start(&p->loops);
    int8_t *out = y;
    do {
        if (walk.b_step) {
            mul_rows(out, a + walk.a, b + walk.b, walk.count, p);
        } else {
            mul_row_by_one(out, a + walk.a, b + walk.b, walk.count, p);
        }
        out += walk.count;
    } while (loop_next(&walk));
    limit_s8(y, (int32_t)(out - y), p->y_min, p->y_max);
}
