// Products of matrices, four columns at a time: each matrix of b is laid out for that first, then multiplied with every row
// of a. The zero point of b is taken from the sums: sum (a - za) (b - zb) = sum (a - za) b - zb sum (a - za).
#include "loops.h"
#include "packed.h"

// packed (columns / 4, depth / 4, 4, 4) from b (depth, columns). What fills up its last quads is never used: columns that
// are not there have no output, and places beyond the depth meet zeros of a.
static void pack(int8_t *packed, const int8_t *b, const batch_matmul_params *p) {
    const int32_t quads = (p->depth + 3) / 4, next = p->b_depth;
    for (int32_t j = 0; j < p->columns; j++) {
        const int8_t *from = b + j * p->b_column;
        int8_t *to = packed + 16 * quads * (j / 4) + 4 * (j % 4);
        int32_t left = p->depth;
        for (; left >= 4; left -= 4, from += 4 * next, to += 16) {
            to[0] = from[0];
            to[1] = from[next];
            to[2] = from[2 * next];
            to[3] = from[3 * next];
        }
        for (int32_t t = 0; t < left; t++) to[t] = from[t * next];
    }
}

// wide (depth in quads,) = a - a_zero_point, with zeros at the end; returns its sum
static int32_t widen_row(int16_t *wide, const int8_t *a, const batch_matmul_params *p) {
    const int32_t next = p->a_depth, zero = p->a_zero_point;
    int32_t sum = 0, left = p->depth;
    for (; left >= 4; left -= 4, a += 4 * next, wide += 4) {
        const int32_t a0 = a[0] - zero, a1 = a[next] - zero, a2 = a[2 * next] - zero, a3 = a[3 * next] - zero;
        wide[0] = (int16_t)a0;
        wide[1] = (int16_t)a2;
        wide[2] = (int16_t)a1;
        wide[3] = (int16_t)a3;
        sum += a0 + a1 + a2 + a3;
    }
    if (left > 0) {
        const int32_t a0 = a[0] - zero, a1 = left > 1 ? a[next] - zero : 0, a2 = left > 2 ? a[2 * next] - zero : 0;
        wide[0] = (int16_t)a0;
        wide[1] = (int16_t)a2;
        wide[2] = (int16_t)a1;
        wide[3] = 0;
        sum += a0 + a1 + a2;
    }
    return sum;
}

static void matmul_packed(
    int8_t *y, const int8_t *a, const int8_t *packed, int16_t *wide, const batch_matmul_packed_params *p
) {
    const batch_matmul_params *size = &p->matrices;
    const packed_scale scale = p->y;
    const int32_t quads = (size->depth + 3) / 4;
    for (int32_t i = 0; i < size->rows; i++, a += size->a_row) {
        const int32_t taken = size->b_zero_point * widen_row(wide, a, size);
        const int8_t *w = packed;
        for (int32_t left = size->columns; left > 0; left -= 4, y += left < 0 ? 4 + left : 4) {
            const int16_t *x = wide;
            const sums_4 sums = dot_4_s8(&x, &w, quads);
            y[0] = (int8_t)saturate_s8(packed_scaled(2 * (sums.a - taken), &scale));
            if (left > 1) y[1] = (int8_t)saturate_s8(packed_scaled(2 * (sums.b - taken), &scale));
            if (left > 2) y[2] = (int8_t)saturate_s8(packed_scaled(2 * (sums.c - taken), &scale));
            if (left > 3) y[3] = (int8_t)saturate_s8(packed_scaled(2 * (sums.d - taken), &scale));
        }
    }
}

void batch_matmul_packed_s8(
    int8_t *y, const int8_t *a, const int8_t *b, int8_t *scratch, const batch_matmul_packed_params *p
) {
    const batch_matmul_params *size = &p->matrices;
    int16_t *wide = (int16_t *)(void *)scratch;
    int8_t *packed = (int8_t *)(wide + (size->depth + 3) / 4 * 4);
    const int8_t *laid_out = packed;  // no matrix of b
    loop_walk walk = loop_start(&size->batches);
    do {
        for (int32_t k = 0; k < walk.count; k++, y += size->rows * size->columns) {
            const int8_t *of_b = b + walk.b + k * walk.b_step;
            if (of_b != laid_out) pack(packed, of_b, size);
            laid_out = of_b;
            matmul_packed(y, a + walk.a + k * walk.a_step, packed, wide, p);
        }
    } while (loop_next(&walk));
}
