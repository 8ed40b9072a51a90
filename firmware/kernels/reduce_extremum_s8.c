// The largest or the smallest value along any axes.
#include "kernels.h"
#include "loops.h"

// The largest sign * x over the axes that go.
static int32_t largest_over(const int8_t *x, const loop_nest *loops, int32_t sign) {
    int32_t largest = INT8_MIN;
    loop_walk walk = loop_start(loops);
    do {
        for (int32_t k = 0, at = walk.a; k < walk.count; k++, at += walk.a_step) {
            if (sign * x[at] > largest) largest = sign * x[at];
        }
    } while (loop_next(&walk));
    return largest;
}

void reduce_extremum_s8(int8_t *y, const int8_t *x, const reduce_extremum_params *p) {
    loop_walk walk = loop_start(&p->outputs);
    do {
        for (int32_t k = 0, at = walk.a; k < walk.count; k++, at += walk.a_step) {
            *y++ = (int8_t)(p->sign * largest_over(x + at, &p->window, p->sign));
        }
    } while (loop_next(&walk));
}
