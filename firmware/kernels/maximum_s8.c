// The larger of two tensors of one scale.
#include "kernels.h"
#include "loops.h"

void maximum_s8(int8_t *y, const int8_t *a, const int8_t *b, const elementwise_params *p) {
    loop_walk walk = loop_start(&p->loops);
    do {
        const int8_t *in_a = a + walk.a, *in_b = b + walk.b;
        for (int32_t k = 0; k < walk.count; k++, in_a += walk.a_step, in_b += walk.b_step) {
            *y++ = *in_a > *in_b ? *in_a : *in_b;
        }
    } while (loop_next(&walk));
}
