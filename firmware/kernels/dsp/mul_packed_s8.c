// Product of two tensors, one of which may stay the same along a row.
#include "loops.h"
#include "packed.h"

INLINED void mul_row(
    int8_t *y, const int8_t *a, const int8_t *b, int32_t count, int32_t b_step, const mul_packed_params *p
) {
    const packed_scale to = p->y;
    const int32_t a_zero_point = p->a_zero_point, b_factor = p->b_factor, b_offset = p->b_offset;
    const int8_t *const end = a + count;
    for (; a != end; b += b_step) {
        const int32_t product = (*a++ - a_zero_point) * (*b * b_factor + b_offset);
        *y++ = (int8_t)saturate_s8(packed_scaled(product, &to));
    }
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
