// Products of matrices, one after the other.
#include "kernels.h"
#include "loops.h"
#include "requantize.h"

// a (rows, depth)  b (depth, columns)  y (rows, columns)
static void matmul(int8_t *y, const int8_t *a, const int8_t *b, const batch_matmul_params *p) {
    for (int32_t i = 0; i < p->rows; i++, a += p->a_row) {
        for (int32_t j = 0; j < p->columns; j++) {
            const int8_t *in_a = a, *in_b = b + j * p->b_column;
            int32_t acc = 0;
            for (int32_t k = 0; k < p->depth; k++, in_a += p->a_depth, in_b += p->b_depth) {
                acc += (*in_a - p->a_zero_point) * (*in_b - p->b_zero_point);
            }
            *y++ = clamp_s8(p->y_zero_point + requantize(acc, p->multiplier, p->shift), INT8_MIN, INT8_MAX);
        }
    }
}

void batch_matmul_s8(int8_t *y, const int8_t *a, const int8_t *b, const batch_matmul_params *p) {
    loop_walk walk = loop_start(&p->batches);
    do {
        for (int32_t k = 0; k < walk.count; k++, y += p->rows * p->columns) {
            matmul(y, a + walk.a + k * walk.a_step, b + walk.b + k * walk.b_step, p);
        }
    } while (loop_next(&walk));
}
