// Bytes from one tensor to places of another, in any order that a nest of loops has.
#include <string.h>

#include "kernels.h"
#include "loops.h"

void copy_s8(int8_t *y, const int8_t *x, const copy_params *p) {
    loop_walk walk = loop_start(&p->loops);
    const int side_by_side = walk.a_step == 1 && walk.b_step == 1;
    do {
        const int8_t *from = x + p->x_start + walk.a;
        int8_t *to = y + p->y_start + walk.b;
        if (side_by_side) {
            memcpy(to, from, (size_t)walk.count);
        } else {
            for (int32_t k = 0; k < walk.count; k++, from += walk.a_step, to += walk.b_step) *to = *from;
        }
    } while (loop_next(&walk));
}
