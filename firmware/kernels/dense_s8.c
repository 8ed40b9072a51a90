// Fully connected layer.
#include "inner_product.h"
#include "kernels.h"
#include "requantize.h"

void dense_s8(int8_t *y, const int8_t *x, const dense_params *p) {
    const output_stage output = p->output;
    for (int32_t r = 0; r < p->rows; r++, x += p->x_c) {
        for (int32_t o = 0; o < p->y_c; o++) {
            *y++ = output_s8(inner_product(p->bias[o], x, p->weights + o * p->x_c, p->x_c), o, &output);
        }
    }
}
