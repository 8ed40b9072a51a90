// Two-dimensional average pooling, any window, stride and padding; only what lies inside the image counts.
#include "kernels.h"
#include "requantize.h"

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// sum / count, rounded to nearest, halves away from zero
static int32_t mean(int32_t sum, int32_t count) { return (sum > 0 ? sum + count / 2 : sum - count / 2) / count; }

void average_pool2d_s8(int8_t *y, const int8_t *x, const pool2d_params *p) {
    const window_geometry *g = &p->window;
    for (int32_t i = 0; i < g->y_h; i++) {
        const int32_t top = larger(i * g->stride_h - g->pad_h, 0);
        const int32_t bottom = smaller(i * g->stride_h - g->pad_h + g->k_h, g->x_h);
        for (int32_t j = 0; j < g->y_w; j++) {
            const int32_t left = larger(j * g->stride_w - g->pad_w, 0);
            const int32_t right = smaller(j * g->stride_w - g->pad_w + g->k_w, g->x_w);
            for (int32_t c = 0; c < g->y_c; c++) {
                int32_t sum = 0;
                for (int32_t a = top; a < bottom; a++) {
                    for (int32_t b = left; b < right; b++) sum += x[(a * g->x_w + b) * g->x_c + c];
                }
                *y++ = clamp_s8(mean(sum, (bottom - top) * (right - left)), p->y_min, p->y_max);
            }
        }
    }
}
