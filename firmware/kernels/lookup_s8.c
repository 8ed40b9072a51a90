// Any function of one byte.
#include "kernels.h"

void lookup_s8(int8_t *y, const int8_t *x, const lookup_params *p) {
    for (int32_t k = 0; k < p->count; k++) y[k] = p->table[x[k] + 128];
}
