// The int8 kernels of the compiled engine: what each one computes, and the constants it computes with.
// Every constant is folded at export; a kernel never allocates, never fails and never reads outside its arguments.
// Called by the generated model.c alone. Outputs come first, then inputs, scratch, parameters. They do not overlap.
//
// The alphabet, used everywhere (NHWC, a batch of one):
//   x input   y output   k kernel window   |   h rows   w columns   c channels
// so x is (x_h, x_w, x_c), y is (y_h, y_w, y_c), and the window that makes one output is (k_h, k_w) of x.
#pragma once
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the model's tables are read in words as a little-endian core has them: compile for one, this is big-endian"
#endif
#if defined(__SIZEOF_INT__) && __SIZEOF_INT__ < 4
#error "the kernels count in an int of 32 bits: compile for a core of 32 bits or more, this one has less"
#endif

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
    const int32_t *rows;     // (y_h, 3): where the two rows begin in x, and how far it is to the second in 1024ths
    const int32_t *columns;  // (y_w, 3): the same for the pixels in their row
    int32_t y_h, y_w, x_c;
} resize_bilinear_params;

// y (y_h, y_w, x_c):  the mean of four pixels of x weighted by how near they are, halves away from zero
void resize_bilinear_s8(int8_t *y, const int8_t *x, const resize_bilinear_params *p);

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
    int32_t rows, x_c;   // x_c at most 8191
} softmax_params;

// x (rows, x_c)  y (rows, x_c):  y[r,c] = -128 + 256 * exp[max_r - x[r,c]] / sum_k exp[max_r - x[r,k]]
void softmax_s8(int8_t *y, const int8_t *x, const softmax_params *p);

typedef struct {
    const int32_t *exp;  // (exp_count,): exp(-d * x_scale) with 31 fraction bits, as for softmax
    int32_t exp_count;
    int32_t rows, x_c;          // x_c at most 4095
    int32_t multiplier, shift;  // from a difference in bytes to a real number with 26 fraction bits
    int32_t reverse_multiplier, reverse_shift;
    int32_t min_difference;  // this one and larger ones give -128
} log_softmax_params;

// x (rows, x_c)  y (rows, x_c):  y[r,c] = 127 + 16 * (x_scale * (x[r,c] - max_r) - log(sum_k exp[max_r - x[r,k]]))
void log_softmax_s8(int8_t *y, const int8_t *x, const log_softmax_params *p);

typedef struct {
    int32_t rows, x_c;  // x_c * 255^2 fits 32 bits
    int32_t x_zero_point;
} l2_normalization_params;

// x (rows, x_c)  y (rows, x_c):  y[r,c] = 128 * x'[r,c] / sqrt(sum_k x'[r,k]^2), x' = x - x_zero_point.  y may be x.
void l2_normalization_s8(int8_t *y, const int8_t *x, const l2_normalization_params *p);

typedef struct {
    loop_nest loops;   // the elements of y in order
    add_operand a, b;  // with 2^7 in the place of 2^20
    int32_t multiplier, shift;
    int32_t y_zero_point;
} squared_difference_params;

// y = clamp(y_zero_point + requantize((a' - b')^2, multiplier, shift), -128, 127), a' and b' on the common scale
void squared_difference_s8(int8_t *y, const int8_t *a, const int8_t *b, const squared_difference_params *p);

typedef struct {
    loop_nest batches;  // the matrices of y in order
    int32_t rows, depth, columns;
    int32_t a_row, a_depth, b_depth, b_column;  // how far apart neighbours along each axis of a and b are
    int32_t a_zero_point, b_zero_point;
    int32_t multiplier, shift;
    int32_t y_zero_point;
} batch_matmul_params;

// a (..., rows, depth)  b (..., depth, columns)  y (..., rows, columns), each of a and b possibly stored transposed:
// y[i,j] = clamp(y_zero_point + requantize(sum_k (a[i,k] - a_zero_point) * (b[k,j] - b_zero_point), multiplier, shift))
void batch_matmul_s8(int8_t *y, const int8_t *a, const int8_t *b, const batch_matmul_params *p);

typedef struct {
    loop_nest outputs;  // the elements of y in order; a is x
    loop_nest window;   // what one of them is taken from; a is x
    int32_t sign;       // 1 for the largest, -1 for the smallest
} reduce_extremum_params;

// y = sign * max(sign * x)
void reduce_extremum_s8(int8_t *y, const int8_t *x, const reduce_extremum_params *p);

typedef struct {
    const int16_t *sigmoid;  // (256,): 65536 / (1 + exp(-k / 24)) - 32768
    int32_t forget_multiplier, forget_shift, input_multiplier, input_shift;  // of the products that make the cell
    int32_t cell_limit;                                                      // 2^15: none
    int32_t tanh_multiplier, tanh_shift;
    int32_t y_multiplier, y_shift;
    int32_t y_zero_point;
} lstm_cell;

typedef struct {
    const int8_t *x_weights;       // (4, y_c, x_c): of the forget, input, cell and output gate
    const int8_t *hidden_weights;  // (4, y_c, y_c)
    const int32_t *x_bias;         // (4, y_c): with the zero point of x in it
    const int32_t *hidden_bias;    // (4, y_c)
    const int32_t *scales;         // (4, 4): multiplier and shift of what x makes, and of what the hidden state makes
    int32_t steps, x_c, y_c;
    lstm_cell cell;
} lstm_params;

// x (steps, x_c)  y (steps, y_c): the hidden states of a sequence, with gates g = function_g(x_t W_g + y_{t-1} U_g + b_g):
// cell_t = forget * cell_{t-1} + input * proposed,  y_t = output * tanh(cell_t).  scratch (3 * y_c,), aligned for int16.
void lstm_s8(int8_t *y, const int8_t *x, int8_t *scratch, const lstm_params *p);

#ifdef __cplusplus
}
#endif
