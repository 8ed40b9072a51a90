// The int8 kernels of the compiled engine: what each one computes, and the constants it computes with.
// Every constant is folded at export; a kernel never allocates, never fails and never reads outside its arguments.
// Called by the generated model.c alone. Outputs come first, then inputs, scratch, parameters; none of them overlap.
//
// The alphabet, used everywhere (NHWC, a batch of one):
//   x input   y output   k kernel window   |   h rows   w columns   c channels
// so x is (x_h, x_w, x_c), y is (y_h, y_w, y_c), and the window that makes one output is (k_h, k_w) of x.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Where a window lies: output (i, j) reads rows i * stride_h - pad_h + [0, k_h) * dilation_h, columns likewise.
// pad_h rows above and pad_w columns to the left lie outside the image; so may the last ones of a window.
typedef struct {
    uint16_t x_h, x_w, x_c;
    uint16_t y_h, y_w, y_c;
    uint16_t k_h, k_w;
    uint16_t stride_h, stride_w;
    uint16_t dilation_h, dilation_w;
    uint16_t pad_h, pad_w;
} window_geometry;

// How an accumulator of channel o becomes an output byte:
//   y = clamp(y_zero_point + requantize(acc, multiplier[o * per_channel], shift[o * per_channel]), y_min, y_max)
// The export proves that no accumulator of the model leaves int32 on the way, so neither does the sum.
typedef struct {
    const int32_t *multiplier;  // (y_c,), or (1,) when per_channel is 0: 0, or in [2^30, 2^31)
    const int8_t *shift;        // as many: in [-31, 30], to the left when positive
    int32_t per_channel;        // 1 or 0
    int32_t y_zero_point;
    int32_t y_min, y_max;
} output_stage;

typedef struct {
    const int8_t *weights;  // (y_c, k_h, k_w, x_c)
    const int32_t *bias;    // (y_c,): b[o] - x_zero_point * sum(weights[o])
    int32_t x_zero_point;   // the value of x outside the image: the real number zero
    window_geometry window;
    output_stage output;
} conv2d_params;

// y[i,j,o] = output_o(bias[o] + sum_{a,b,c} x[row(i,a), column(j,b), c] * weights[o,a,b,c])
// window (k_h, k_w, x_c) is scratch: the part of x that one output pixel sees.
void conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const conv2d_params *p);

typedef struct {
    window_geometry window;  // dilation is 1, y_c equals x_c
    int32_t y_min, y_max;
} max_pool2d_params;

// y[i,j,c] = clamp(max_{a,b} x[row(i,a), column(j,b), c], y_min, y_max), over the part of the window inside the image
void max_pool2d_s8(int8_t *y, const int8_t *x, const max_pool2d_params *p);

typedef struct {
    const int8_t *weights;  // (y_c, x_c)
    const int32_t *bias;    // (y_c,): b[o] - x_zero_point * sum(weights[o])
    int32_t rows, x_c, y_c;
    output_stage output;
} dense_params;

// x (rows, x_c)  y (rows, y_c):  y[r,o] = output_o(bias[o] + sum_c x[r,c] * weights[o,c])
void dense_s8(int8_t *y, const int8_t *x, const dense_params *p);

typedef struct {
    const int32_t *exp;  // (exp_count,): exp(-d * x_scale * beta) with 31 fraction bits
    int32_t exp_count;   // at most 256; larger differences d count as exp = 0
    int32_t rows, x_c;   // x_c at most 511
} softmax_params;

// x (rows, x_c)  y (rows, x_c):  y[r,c] = -128 + 256 * exp[max_r - x[r,c]] / sum_k exp[max_r - x[r,k]]
void softmax_s8(int8_t *y, const int8_t *x, const softmax_params *p);

#ifdef __cplusplus
}
#endif
