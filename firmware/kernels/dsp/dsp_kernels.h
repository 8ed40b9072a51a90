// The packed kernels: the bytes of the plain ones, faster, from tables arranged at export (docs/compiled-engine.md).
// Weights come in groups of four output channels, each in quads of four taps; both are filled up with zeros, but where
// `last_group` is said: there the last group is that of the last four channels, so that it may have some of those before too,
// and only fewer than four channels are filled up.
// Called by the generated model.c alone, with the alphabet and the promises of kernels.h. Here y of a convolution may begin
// so far before x that it overwrites only rows of x that are no longer needed.
#pragma once
#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// How a doubled accumulator of channel o becomes an output byte:
//   y = clamp((t + (t < 0 ? -1 : 0) + offset) >> shift, y_min, y_max), t = (2 * bias + acc) * multiplier / 2^32 rounded
typedef struct {
    const int32_t *channels;  // (y_c, 4): 2 * bias, multiplier, offset, shift; shift in [0, 23]
    int32_t y_min, y_max;
    int32_t rectifies;  // 1: y is the same without the -1, which makes a difference only below y_min
} packed_output;

// How a doubled number becomes another scale's: v -> (t + (t < 0 ? -1 : 0) + offset) >> shift,
// t = v * multiplier / 2^32 rounded, where bias was added to v; shift in [1, 22]
typedef struct {
    int32_t bias, multiplier, offset, shift;
} packed_scale;

typedef struct {
    const int16_t *weights;  // (groups, quads, 2, 4, 2), last_group, doubled: of the whole words of each row, then of what
                             // rows have behind them
    int32_t x_zero_point;    // the value of x outside the image: the real number zero
    int32_t row_taps;        // of a row of the window; more than k_w * x_c where some without weight follow
    window_geometry window;  // of the convolution
    window_geometry pool;    // of the max pooling that follows it; 1 x 1 where there is none
    packed_output output;    // of at least four channels
} conv2d_packed_params;

// y = max_pool2d_s8(conv2d_s8(x)), without the image between them; any geometry.
// scratch (8 + 4 * n + n,), n = k_h * row_taps rounded up to a multiple of 4: the bytes of four channels of two pixels, what
// these see in 16 bits, and what one sees in 8 where some windows reach beyond x or are dilated, unless its pixels are whole
// words. With a pooling also 2 * y_c: their bytes.
void conv2d_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

// The same with one byte a weight: weights (groups, quads, 2, 2, 2), 256 times that of the second filter plus that of the
// first. The sum of the absolute weights of each second filter is below 2^16.
void conv2d_bytes_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

// The same with one byte a weight for any sums: weights (groups, quads, 4, 4) bytes, the taps of each filter as they come.
void conv2d_wide_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

// The same for windows of 1 x 1 without padding or pooling, y_c at least 2, with weights (pairs, quads, 2, 2, 2) whose last
// pair is that of the last two channels.
// scratch (8 * x_c rounded up to a multiple of 4,)
void conv2d_pointwise_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p);

typedef struct {
    conv2d_packed_params conv;  // of the padded image
    int32_t x_h, x_w;
    int32_t pad_h, pad_w;  // above and to the left
    int32_t padded_bytes;
} conv2d_padded_params;

// The same for an image that is small enough to be laid into a larger one first.
// scratch (padded_bytes + that of conv2d_packed_s8,)
void conv2d_padded_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_padded_params *p);

typedef struct {
    conv2d_packed_params conv;  // of one block: its window and its pooling have the channels of a block, x_c in fours; the
                                // weights (blocks, groups, quads, 2, 4, 2) and the output are those of all blocks; channels
                                // are filled up behind the last block alone, to four that begin with its first
    int32_t blocks;
} conv2d_grouped_params;

// The same for filters that see a block of the channels each.
// scratch (8 + 4 * blocks * n,), n taps of a block, and with a pooling 2 * blocks * y_c, as above.
void conv2d_grouped_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_grouped_params *p);

typedef struct {
    const int32_t *channels;  // (y_c, 9): ten taps as five pairs of doubled weights, 2 * bias, multiplier, offset, shift
    int32_t x_zero_point;
    window_geometry window;  // of the convolution: k_h * k_w * x_c at most 10
    window_geometry pool;    // of the max pooling that follows it: at most 2 x 2
    int32_t y_min, y_max;
} conv2d_narrow_params;

// The same for a handful of taps, such as 2 x 2 of two channels.
void conv2d_narrow_s8(int8_t *y, const int8_t *x, const conv2d_narrow_params *p);

typedef struct {
    // (y_c, 8): pairs of doubled weights w of 3 x 3, zeros where the window is smaller, the first one of a pair in the low half:
    // (w[0,0], w[0,2]), 2 * bias, (w[1,0], w[1,2]), (w[2,0], w[2,2]), (w[0,1], w[1,1]), (shift, w[2,1]), multiplier, offset
    const int32_t *channels;
    int32_t x_zero_point;
    window_geometry window;  // of the convolution: x_c 1, at most 3 x 3, dilation 1
    window_geometry pool;    // of the max pooling that follows strides of 1: 2 x 2, stride 2, wholly inside; or 1 x 1, none
    int32_t y_min, y_max;
} conv2d_one_channel_params;

// The same for a first layer that sees one channel.
void conv2d_one_channel_s8(int8_t *y, const int8_t *x, const conv2d_one_channel_params *p);

typedef struct {
    conv2d_packed_params conv;  // from x to places (rows, columns, stride_h, stride_w, y_c), stride 1, without a pooling
    int32_t stride_h, stride_w;
    int32_t y_h, y_w, y_c;
    int32_t top, left;     // where the first place lies in y; at most 0
    int32_t places_bytes;  // of one row of places, rounded up to a multiple of 4
} transpose_conv2d_packed_params;

// y = transpose_conv2d_s8(x).  scratch (places_bytes + that of conv2d_packed_s8,)
void transpose_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const transpose_conv2d_packed_params *p
);

// The same with conv2d_bytes_s8's weights.
void transpose_conv2d_bytes_s8(int8_t *y, const int8_t *x, int8_t *scratch, const transpose_conv2d_packed_params *p);

// The same with conv2d_wide_s8's.
void transpose_conv2d_wide_s8(int8_t *y, const int8_t *x, int8_t *scratch, const transpose_conv2d_packed_params *p);

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
    // (y_c, words + 4): the window as pairs of taps that lie above each other, doubled; 2 * bias, multiplier, offset, shift
    // Behind them the runs (run_count, 2): bytes from the pair that an output sees first, and how many pairs: 1 to 8
    const int32_t *channels;
    int32_t run_count;  // 0 for a 3 x 3 window with strides of 1 or 2, whose pairs come row by row
    int32_t words;
    int32_t alternates;  // 1: the words are those of even rows of y, then those of odd ones, which begin within a pair;
                         // where run_count is 0, what both have in common
    int32_t x_zero_point;
    int32_t rows;       // of y that are computed from one scratch; even
    int32_t pairs;      // rows of pairs that a row of y sees, or an even row and the next
    int32_t pair_step;  // rows of x from a row of pairs to the next
    int32_t row_words;  // pairs in a row
    int32_t phases;     // every so many columns lie side by side
    int32_t moves;      // rows of pairs from what `rows` rows see first to what the next see; 0 where y is not x's place
    int32_t maps_h, maps_w;  // a dilated window computes every so many rows and columns as an image of their own
    int32_t x_row, x_step;   // bytes from a row of such an image to the next, and from a pixel to the next
    int32_t y_row, y_step;
    window_geometry window;  // of the whole image
    int32_t y_min, y_max;
} depthwise_conv2d_packed_params;

// y = depthwise_conv2d_s8(x), any geometry; y may be x where `moves` is not 0.
// scratch (4, pairs of all `rows`, row_words) words: the pairs of four channels
void depthwise_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_packed_params *p
);

typedef struct {
    // For each of y_c, doubled taps as pairs, then 2 * bias, multiplier, offset, shift. With a stride of 1 as (pairs, 2):
    // those of even outputs, and of odd ones, which begin with the upper half of a pair. With a stride of 2 as (pairs,),
    // and behind all channels (run_count, 2): bytes from the first pair that an output sees, and how many follow: 1 to 8.
    const int32_t *channels;
    int32_t run_count;  // 0 with a stride of 1
    int32_t x_zero_point;
    int32_t pairs;    // of pixels side by side that an output sees
    int32_t columns;  // how many outputs of a line, or of every `dilation` of them, are computed from one plane
    window_geometry window;  // one pixel high and any number of lines, or x, window and y one pixel wide and one line
    int32_t y_min, y_max;
} depthwise_conv1d_packed_params;

// y = depthwise_conv2d_s8(x) along one axis, strides of 1 or 2 there
// scratch (4, pairs of all `columns`) words
void depthwise_conv1d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv1d_packed_params *p
);

typedef struct {
    // (y_c / x_c, quads of x_c, 4 + 4 * pairs + 12): of four channels 2 * bias, doubled taps as (pairs, 4), and (4, 3)
    // multiplier, offset, shift. The last quad are the last four channels; a last tap without another has a zero.
    const int32_t *channels;
    int32_t x_zero_point;
    int32_t pairs;  // of k_h * k_w taps
    window_geometry window;
    int32_t y_min, y_max;
} depthwise_conv2d_taps_params;

// The same from x as it lies, for at least four channels: for windows that have little in common with those beside them.
// scratch (16 * pairs + x_c,): where the taps lie, of windows inside x and of one at its border; and a pixel outside
void depthwise_conv2d_taps_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_taps_params *p
);

// y = max_pool2d_s8(x), y = average_pool2d_s8(x)
void max_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p);
void average_pool2d_packed_s8(int8_t *y, const int8_t *x, const pool2d_params *p);

// y = mean_s8(x)
void mean_packed_s8(int8_t *y, const int8_t *x, const mean_params *p);

typedef struct {
    loop_nest loops;  // the elements of y in order
    int32_t a_factor;
    packed_scale a;
    int32_t a_sign, b_factor;  // 1 and 2^19, or one of them negative
    packed_scale y;
    int32_t y_min, y_max;
} add_packed_params;

// y = a + b, b - a or a - b as add_s8 computes it; b has the larger scale.  y may be a or b where that one does not repeat.
void add_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const add_packed_params *p);

typedef struct {
    loop_nest loops;  // the elements of y in order, with a step of 1 in a along a row, and of 1 or 0 in b
    int32_t a_zero_point;
    int32_t b_factor, b_offset;  // 2 and -2 times b's zero point
    packed_scale y;
    int32_t y_min, y_max;
} mul_packed_params;

// y = mul_s8(a, b).  y may be a or b where that one does not repeat.
void mul_packed_s8(int8_t *y, const int8_t *a, const int8_t *b, const mul_packed_params *p);

typedef struct {
    loop_nest loops;  // the elements of y in order
    int32_t a_factor;
    packed_scale a;
    int32_t b_offset;  // b's zero point * 2^6
    packed_scale y;
} squared_difference_packed_params;

// y = squared_difference_s8(a, b); b has the larger scale.  y may be a or b where that one does not repeat.
void squared_difference_packed_s8(
    int8_t *y, const int8_t *a, const int8_t *b, const squared_difference_packed_params *p
);

// The same without a pooling and with 36 multiplications instead of 144 for each 4 x 4 outputs and channel; weights
// (groups, 36, quads, 2, 4, 2), of another transform.
// scratch (1152 + 144 * x_c + 36 * x_c,): the products of two 4 x 4 tiles for four channels, what both see transformed,
// and what one sees as it is where tiles reach beyond x.
void conv2d_winograd4_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p);

typedef struct {
    const int32_t *table;     // (y_c, k_h, row_words, 3): where in its row of the window a word begins, then its weights
                              // 0, 2 and 1, 3, doubled; the last word of a run ends with it, and has no weight where the
                              // one before has
    int32_t x_zero_point;     // the value of x outside the image: the real number zero
    int32_t row_words;        // of what a window sees in a row: of runs of bytes that lie side by side, at least 4 each
    window_geometry window;
    packed_output output;
} conv2d_few_params;

// y = conv2d_s8(x) for few filters.
// scratch: what four output pixels at a border see, (k_h, 3 * stride_w + (k_w - 1) * dilation_w + 1, x_c), and these, (4, y_c)
void conv2d_few_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_few_params *p);

typedef struct {
    const int8_t *weights;  // (y_c / 4, quads, 4, 4), and (y_c % 4, quads, 4) of the channels behind
    int32_t rows, x_c, y_c;
    packed_output output;
} dense_packed_params;

// y = dense_s8(x).  scratch (2 * x_c,), x_c rounded up to a multiple of 4
void dense_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const dense_packed_params *p);

typedef struct {
    const int8_t *x_weights;       // (y_c, quads of x, 4 gates, 4)
    const int8_t *hidden_weights;  // (y_c, quads of y, 4 gates, 4)
    const int32_t *bias;           // (y_c, 2, 4 gates): of what x makes, and of what the hidden state makes
    const int32_t *scales;         // as in lstm_params
    int32_t steps, x_c, y_c;
    lstm_cell cell;
} lstm_packed_params;

// y = lstm_s8(x).  scratch (2 * x_c + 2 * y_c + 2 * y_c,), the first two rounded up to multiples of 4 numbers
void lstm_packed_s8(int8_t *y, const int8_t *x, int8_t *scratch, const lstm_packed_params *p);

typedef struct {
    batch_matmul_params matrices;
    packed_scale y;
} batch_matmul_packed_params;

// y = batch_matmul_s8(a, b).  scratch (2 * depth + depth * columns,), both sizes rounded up to multiples of 4: a row of a,
// wide and without its zero point, and a matrix of b as dense_packed_s8 has its weights
void batch_matmul_packed_s8(
    int8_t *y, const int8_t *a, const int8_t *b, int8_t *scratch, const batch_matmul_packed_params *p
);

#ifdef __cplusplus
}
#endif
