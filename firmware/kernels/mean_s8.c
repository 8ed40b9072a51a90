// Mean and sum along any axes.
#include "kernels.h"
#include "loops.h"
#include "requantize.h"

// The sum of x over the axes that go.
static int32_t sum_over(const int8_t *x, const loop_nest *loops) {
    int32_t sum = 0;
    loop_walk walk = loop_start(loops);
    do {
        for (int32_t k = 0, at = walk.a; k < walk.count; k++, at += walk.a_step) sum += x[at];
    } while (loop_next(&walk));
    return sum;
}

void mean_s8(int8_t *y, const int8_t *x, const mean_params *p) {
    loop_walk walk = loop_start(&p->outputs);
    do {
        for (int32_t k = 0, at = walk.a; k < walk.count; k++, at += walk.a_step) {
            const int32_t sum = sum_over(x + at, &p->window) - p->x_zero_points;
            *y++ = clamp_s8(p->y_zero_point + requantize(sum, p->multiplier, p->shift), INT8_MIN, INT8_MAX);
        }
    } while (loop_next(&walk));
}
