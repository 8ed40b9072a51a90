// One value everywhere.
#include <string.h>

#include "kernels.h"

void fill_s8(int8_t *y, const fill_params *p) { memset(y, p->value, (size_t)p->count); }
