// The int8 kernels of the compiled engine: what each one computes, and the constants it computes with.
// Every constant is folded at export; a kernel never allocates, never fails and never reads outside its arguments.
// Called by the generated model.c alone. Outputs come first, then inputs, scratch, parameters. They do not overlap, but y
// of a packed convolution may begin so far before x that it overwrites only rows of x that are no longer needed.
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
    const int8_t *weights;  // as the kernel says
    const int32_t *bias;    // (y_c,): b[o] - x_zero_point * sum(weights of o)
    int32_t x_zero_point;   // the value of x where a window sees none of it: the real number zero
    window_geometry window;
    output_stage output;
} convolution_params;

// weights (y_c, k_h, k_w, x_c)
// y[i,j,o] = output_o(bias[o] + sum_{a,b,c} x[row(i,a), column(j,b), c] * weights[o,a,b,c])
// window (k_h, k_w, x_c) is scratch, here and in the next two: the part of x that one output pixel sees.
void conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p);

// weights (k_h, k_w, y_c), y_c a multiple of x_c: output channel o sees channel o / (y_c / x_c)
// y[i,j,o] = output_o(bias[o] + sum_{a,b} x[row(i,a), column(j,b), o / (y_c / x_c)] * weights[a,b,o])
void depthwise_conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p);

// weights (y_c, k_h, k_w, x_c). The geometry is that of the convolution from y to x that is turned round: row r of x makes
// the rows r * stride_h - pad_h + [0, k_h) of y.
// y[i,j,o] = output_o(bias[o] + sum_{a,b,c} x[(i + pad_h - a) / stride_h, (j + pad_w - b) / stride_w, c] * weights[o,a,b,c]),
// over the a and b for which both divisions are exact.
void transpose_conv2d_s8(int8_t *y, const int8_t *x, int8_t *window, const convolution_params *p);

typedef struct {
    window_geometry window;  // dilation is 1, y_c equals x_c
    int32_t y_min, y_max;
} pool2d_params;

// y[i,j,c] = clamp(max_{a,b} x[row(i,a), column(j,b), c], y_min, y_max), over the part of the window inside the image
void max_pool2d_s8(int8_t *y, const int8_t *x, const pool2d_params *p);

// The same with the mean, rounded to nearest, halves away from zero
void average_pool2d_s8(int8_t *y, const int8_t *x, const pool2d_params *p);

typedef struct {
    const int8_t *weights;  // (y_c, x_c)
    const int32_t *bias;    // (y_c,): b[o] - x_zero_point * sum(weights[o])
    int32_t rows, x_c, y_c;
    output_stage output;
} dense_params;

// x (rows, x_c)  y (rows, y_c):  y[r,o] = output_o(bias[o] + sum_c x[r,c] * weights[o,c])
void dense_s8(int8_t *y, const int8_t *x, const dense_params *p);

// A nest of loops over two tensors, here called a and b: what a kernel does once for each innermost iteration takes its
// operands from where the loops have stepped to. A step of 0 repeats, a negative one goes backwards.
typedef struct {
    const int32_t *table;  // (count, 3): how often, step in a, step in b; the innermost loop last
    int32_t count;         // in [1, 6]
} loop_nest;

// One operand brought to the common scale: requantize((a - zero_point) * 2^20, multiplier, shift)
typedef struct {
    int32_t zero_point, multiplier, shift;
} add_operand;

typedef struct {
    loop_nest loops;  // the elements of y in order
    add_operand a, b;
    int32_t b_sign;  // 1 for the sum, -1 for the difference
    int32_t multiplier, shift;
    int32_t y_zero_point, y_min, y_max;
} add_params;

// y = clamp(y_zero_point + requantize(a' + b_sign * b', multiplier, shift), y_min, y_max), a' and b' on the common scale.
// y may be a or b where that one does not repeat; so it is for the four elementwise kernels that follow.
void add_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_params *p);

typedef struct {
    loop_nest loops;  // the elements of y in order
    int32_t a_zero_point, b_zero_point;
    int32_t multiplier, shift;
    int32_t y_zero_point, y_min, y_max;
} mul_params;

// y = clamp(y_zero_point + requantize((a - a_zero_point) * (b - b_zero_point), multiplier, shift), y_min, y_max)
void mul_s8(int8_t *y, const int8_t *a, const int8_t *b, const mul_params *p);

typedef struct {
    loop_nest loops;  // the elements of y in order
    int32_t x_zero_point, alpha_zero_point;
    int32_t multiplier, shift;              // for x at or above its zero point
    int32_t alpha_multiplier, alpha_shift;  // for the product below it
    int32_t y_zero_point;
} prelu_params;

// y = clamp(y_zero_point + requantize(x'), -128, 127), x' = x - x_zero_point, times alpha - alpha_zero_point where negative
void prelu_s8(int8_t *y, const int8_t *x, const int8_t *alpha, const prelu_params *p);

typedef struct {
    loop_nest loops;  // the elements of y in order
} elementwise_params;

// y = max(a, b), y = min(a, b)
void maximum_s8(int8_t *y, const int8_t *a, const int8_t *b, const elementwise_params *p);
void minimum_s8(int8_t *y, const int8_t *a, const int8_t *b, const elementwise_params *p);

typedef struct {
    const int8_t *table;  // (256,): what -128 becomes, what -127 becomes, ...
    int32_t count;
} lookup_params;

// x (count,)  y (count,):  y[k] = table[x[k] + 128].  y may be x.
void lookup_s8(int8_t *y, const int8_t *x, const lookup_params *p);

typedef struct {
    int32_t value, count;
} fill_params;

// y (count,):  y[k] = value
void fill_s8(int8_t *y, const fill_params *p);

typedef struct {
    loop_nest loops;  // a is x, b is y
    int32_t x_start, y_start;
} copy_params;

// y[y_start + steps in b] = x[x_start + steps in a]; the rest of y stays as it is
void copy_s8(int8_t *y, const int8_t *x, const copy_params *p);

typedef struct {
    const int32_t *rows;     // (y_h,): where the row begins in x
    const int32_t *columns;  // (y_w,): where the pixel begins in its row
    int32_t y_h, y_w, x_c;
} resize_nearest_params;

// y (y_h, y_w, x_c):  y[i,j,c] = x[rows[i] + columns[j] + c]
void resize_nearest_s8(int8_t *y, const int8_t *x, const resize_nearest_params *p);

typedef struct {
    loop_nest outputs;      // the elements of y in order; a is x
    loop_nest window;       // what is summed for one of them; a is x
    int32_t x_zero_points;  // x_zero_point for every element summed
    int32_t multiplier, shift;
    int32_t y_zero_point;
} mean_params;

// y = clamp(y_zero_point + requantize(sum of x - x_zero_point, multiplier, shift), -128, 127); the multiplier of a mean
// has the division in it
void mean_s8(int8_t *y, const int8_t *x, const mean_params *p);

typedef struct {
    const int32_t *exp;  // (exp_count,): exp(-d * x_scale * beta) with 31 fraction bits
    int32_t exp_count;   // at most 256; larger differences d count as exp = 0
    int32_t rows, x_c;   // x_c at most 511
} softmax_params;

// x (rows, x_c)  y (rows, x_c):  y[r,c] = -128 + 256 * exp[max_r - x[r,c]] / sum_k exp[max_r - x[r,k]]
void softmax_s8(int8_t *y, const int8_t *x, const softmax_params *p);

// The packed kernels: the bytes of the plain ones above, faster, from tables arranged at export (docs/compiled-engine.md).
// Weights come in groups of four output channels, each in quads of four taps; both are filled up with zeros.

// How a doubled accumulator of channel o becomes an output byte:
//   y = clamp((t + (t < 0 ? -1 : 0) + offset) >> shift, y_min, y_max), t = (2 * bias + acc) * multiplier / 2^32 rounded
typedef struct {
    const int32_t *channels;  // (y_c, 4): 2 * bias, multiplier, offset, shift; shift in [1, 21]
    int32_t y_min, y_max;
} packed_output;

// How a doubled number becomes another scale's: v -> (t + (t < 0 ? -1 : 0) + offset) >> shift,
// t = v * multiplier / 2^32 rounded, where bias was added to v; shift in [1, 22]
typedef struct {
    int32_t bias, multiplier, offset, shift;
} packed_scale;

typedef struct {
    const int16_t *weights;  // (groups, quads, 2, 4, 2), doubled
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    int32_t row_taps;        // of a row of the window; more than k_w * x_c where some without weight follow
    window_geometry window;  // of the convolution
    window_geometry pool;    // of the max pooling that follows it; 1 x 1 where there is none
    packed_output output;
} conv2d_packed_params;

// y = max_pool2d_s8(conv2d_s8(x)), without the image between them; any geometry.
// scratch (16 * y_c + 4 * n + n,), y_c and n = k_h * k_w * x_c rounded up to multiples of 4: the sums of two output
// pixels and the largest ones (without a pooling 32 bytes), what both pixels see in 16 bits, and what one sees in 8 where
// x does not hold every row of it in whole words.
void conv2d_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

// The same with one byte a weight: weights (groups, quads, 2, 2, 2), 256 times that of the second filter plus that of the
// first. The sum of the absolute weights of each second filter is below 2^16.
void conv2d_bytes_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

typedef struct {
    conv2d_packed_params conv;  // of the padded image; a row of its window is whole words, some of them without weight
    int32_t x_h, x_w;
    int32_t pad_h, pad_w;  // above and to the left
    int32_t padded_bytes;
} conv2d_padded_params;

// The same for an image that is small enough to be laid into a larger one first.
// scratch (padded_bytes + that of conv2d_packed_s8,)
void conv2d_padded_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_padded_params *p);

typedef struct {
    const int32_t *channels;  // (y_c, 9): ten taps as five pairs of doubled weights, 2 * bias, multiplier, offset, shift
    int32_t x_zero_point;
    window_geometry window;  // of the convolution: k_h * k_w * x_c at most 10
    window_geometry pool;    // of the max pooling that follows it: at most 2 x 2
    int32_t y_min, y_max;
} conv2d_narrow_params;

// The same for a handful of taps, such as the 3 x 3 of a first layer that sees one channel.
void conv2d_narrow_s8(int8_t *y, const int8_t *x, const conv2d_narrow_params *p);

typedef struct {
    const int16_t *weights;  // (4, groups, 4, quads, 2, 4, 2): every filter transformed, times four
    int32_t x_zero_point;
    window_geometry window;  // of the convolution: 3 x 3, stride and dilation 1, x_c a multiple of 4
    window_geometry pool;    // of the max pooling that follows it: 2 x 2, stride 2, wholly inside; or 1 x 1, none
    packed_output output;
} conv2d_winograd_params;

// The same for 3 x 3 filters with 16 multiplications instead of 36 for each 2 x 2 outputs and channel.
// scratch (128 + 32 * y_c + 16 * x_c + 32 * x_c,), y_c rounded up to a multiple of 4, of two 2 x 2 tiles: a row of products
// for four channels, the sums of all, a row of what they see transformed, and where tiles reach beyond x what they see.
void conv2d_winograd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p);

typedef struct {
    // (y_c, 10): for each column of the filter its rows 0 and 1 as a pair and its rows 1 and 2, doubled; 2 * bias,
    // multiplier, offset, shift
    const int32_t *channels;
    int32_t x_zero_point;
    int32_t rows;            // of y that are computed from one scratch; even
    window_geometry window;  // 3 x 3, dilation 1, strides 1 or stride_h 2, y_c equals x_c, a multiple of 4
    int32_t y_min, y_max;
} depthwise_conv2d_packed_params;

// y = depthwise_conv2d_s8(x).  scratch (4, pairs, (y_w - 1) * stride_w + 3) words, pairs = rows / 2 + 1 for
// a stride of 1, rows + 1 for one of 2: the columns of four channels, two pixels above each other in a word.
void depthwise_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_packed_params *p
);

// y = average_pool2d_s8(x) for windows inside x of at most 255 pixels; y_c a multiple of 4
void average_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p);

typedef struct {
    int32_t count;
    int32_t a_factor;
    packed_scale a, y;
    int32_t y_min, y_max;
} add_packed_params;

// y = add_s8(a, b) for count elements each; b has the larger scale.  y may be a or b.
void add_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p);

// The same without a pooling and with 36 multiplications instead of 144 for each 4 x 4 outputs and channel; weights
// (groups, 36, quads, 2, 4, 2), of another transform.
// scratch (1152 + 144 * x_c + 36 * x_c,): the products of two 4 x 4 tiles for four channels, what both see transformed,
// and what one sees as it is where tiles reach beyond x.
void conv2d_winograd4_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p);

typedef struct {
    const int8_t *weights;  // (groups, quads, 4, 4)
    int32_t rows, x_c, y_c;
    packed_output output;
} dense_packed_params;

// y = dense_s8(x).  scratch (4 * y_c + 2 * x_c,), both rounded up to a multiple of 4
void dense_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const dense_packed_params *p);

#ifdef __cplusplus
}
#endif
