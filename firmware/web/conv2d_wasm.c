// Two-dimensional convolution as kernels/conv2d_s8.c computes it, four filters at a time: each part of the window is
// loaded and widened once for the four, and their sums are added up together. Same tables, same bytes.
#include "gather.h"
#include "inner_product.h"
#include "kernels.h"
#include "requantize.h"

// The int32 sums of four vectors' lanes, in order.
static inline v128_t sums_of_lanes(v128_t a, v128_t b, v128_t c, v128_t d) {
    const v128_t ab = wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
    const v128_t cd = wasm_i32x4_add(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
    return wasm_i32x4_add(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

// acc[k] = bias[k] + sum_i x[i] * w[k,i]    acc (4,)  bias (4,)  x (n,)  w (4, n)
static inline void four_inner_products(int32_t *acc, const int32_t *bias, const int8_t *x, const int8_t *w, int32_t n) {
    const v128_t zero = wasm_i32x4_const_splat(0);
    v128_t s[4] = {zero, zero, zero, zero};
    int32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const v128_t seen = wasm_i16x8_load8x8(x + i);
        for (int32_t k = 0; k < 4; k++) s[k] = add_products(s[k], seen, wasm_i16x8_load8x8(w + k * n + i));
    }
    if (i < n && n >= 8) {  // the last eight once more, without those that are counted
        const v128_t lanes = wasm_i16x8_make(0, 1, 2, 3, 4, 5, 6, 7);
        const v128_t fresh = wasm_i16x8_ge(lanes, wasm_i16x8_splat((int16_t)(8 - (n - i))));
        const v128_t seen = wasm_v128_and(wasm_i16x8_load8x8(x + n - 8), fresh);
        for (int32_t k = 0; k < 4; k++) s[k] = add_products(s[k], seen, wasm_i16x8_load8x8(w + k * n + n - 8));
        i = n;
    }
    wasm_v128_store(acc, wasm_i32x4_add(wasm_v128_load(bias), sums_of_lanes(s[0], s[1], s[2], s[3])));
    for (; i < n; i++) {
        for (int32_t k = 0; k < 4; k++) acc[k] += x[i] * w[k * n + i];
    }
}

void conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p) {
    const window_geometry *g = &p->window;
    const output_stage output = p->output;
    const int32_t n = g->k_h * g->k_w * g->x_c;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j++) {
            gather_s8(window, x, i * g->stride_h - g->pad_h, j * g->stride_w - g->pad_w, p->x_zero_point, g);
            const int8_t *filter = p->weights;
            int32_t o = 0;
            for (; o + 4 <= g->y_c; o += 4, filter += 4 * n) {
                int32_t acc[4];
                four_inner_products(acc, p->bias + o, window, filter, n);
                for (int32_t k = 0; k < 4; k++) *y++ = output_s8(acc[k], o + k, &output);
            }
            for (; o < g->y_c; o++, filter += n) {
                *y++ = output_s8(inner_product(p->bias[o], window, filter, n), o, &output);
            }
        }
    }
}
