// The parts of the depthwise convolutions: planes of pairs with the loops that make rows of the output of them, and the
// loop that does without planes.
//
// Four channels at a time are laid out as planes. A word of a plane is a pair: two pixels that lie `dilation_h` rows apart,
// so that one multiplication takes two taps.
#pragma once
#include "dsp.h"
#include "packed.h"

// plane[c] = the pairs of a pixel of a and of that `below` bytes behind it, for c in [0, 4): `rows` rows of `columns`
// pixels `step` bytes apart, at least one of each.
// size: bytes from one plane to the next; gaps: bytes from the end of a row to the next
void depthwise_pairs_s8(
    uint32_t *plane, int32_t size, const int8_t *a, int32_t below, int32_t step, int32_t columns, int32_t a_gap,
    int32_t gap, int32_t rows
);

enum { QUAD = 4 };

typedef struct {
    uint32_t words[QUAD];
} four_words;

// Four planes in which every pair lies outside.    plane (4, words)
INLINED void lay_nothing(uint32_t *plane, int32_t words, uint32_t nothing) {
    for (four_words *to = (four_words *)(void *)plane, *end = to + words; to != end; to++) {
        *to = (four_words){{nothing, nothing, nothing, nothing}};
    }
}

// The pairs of four channels of which `inside` is the first half, or the second, and `nothing` the other one; `size` words
// from one plane to the next.
INLINED void lay_half(uint32_t *to, int32_t size, const int8_t *inside, int32_t is_first, uint32_t nothing) {
    const uint32_t word = load_word(inside), even = even_bytes(word), odd = odd_bytes(word);
    to[0] = is_first ? low_halves(even, nothing) : low_halves(nothing, even);
    to[size] = is_first ? low_halves(odd, nothing) : low_halves(nothing, odd);
    to[2 * size] = is_first ? high_halves(even, nothing) : high_halves(nothing, even);
    to[3 * size] = is_first ? high_halves(odd, nothing) : high_halves(nothing, odd);
}

typedef struct {
    int32_t x_row;  // bytes of a row of pairs
    int32_t y_c;
    int32_t y_row;    // bytes
    int32_t rows;     // of y, at least 1; the last of an odd number is computed twice
    int32_t columns;  // of y, at least 1
} depthwise_rows;

// One channel of a 3 x 3 window, strides of 1: rows 2 k and 2 k + 1 of y from rows k and k + 1 of pairs.
// channel (10,): the window's rows 0 and 1 as three pairs, its rows 1 and 2; 2 * bias, multiplier, offset, shift
void depthwise_3x3_s8(int8_t *y, const uint32_t *x, const int32_t *channel, const depthwise_rows *p);

// The same with strides of 2, where row k of y sees rows k and k + 1 of pairs. Columns at least 4 in x.
// channel (10,): the window's rows 0 and 1 as three pairs, its row 2 and zeros; as above
void depthwise_3x3_stride_2_s8(int8_t *y, const uint32_t *x, const int32_t *channel, const depthwise_rows *p);

typedef struct {
    int32_t y_step[3];       // bytes from an output to those right of it; where there is none, to the last one
    int32_t columns;         // of y
    const int32_t *runs;     // (runs, 2): bytes from the pair that an output sees first, and how many follow: 1 to 8
    const int32_t *end;      // of the runs
    const uint32_t *weights;  // of all runs, one pair after the other
    const int32_t *scale;    // 2 * bias, multiplier, offset, shift
} depthwise_window;

// One channel of a row of any window: output j is the sum over all runs r and pairs t of x[r.first + j + t] * w[r,t].
// Four outputs at a time: x has at least four columns.
void depthwise_window_s8(int8_t *y, const uint32_t *x, const depthwise_window *p);

typedef struct {
    int32_t size;      // bytes from the pairs of a channel to those of the next one
    int32_t pairs;     // that an output sees, at least 1
    int32_t columns;   // of y, at least 1
    int32_t y_step;    // bytes from an output to the next
    int32_t channels;  // at least 1
    int32_t y_each;    // bytes from what a channel becomes to what the next one does
    int32_t each;      // bytes of `channels` from one to the next
} depthwise_row;

// Windows one pixel high, strides of 1: outputs 2 k and 2 k + 1 of a row see pairs k, k + 1... of pixels side by side.
// x (channels, 3 * (columns / 6, rounded up) + pairs - 1) words, `size` apart
// channels: for each, taps as (pairs, 2), of even and of odd outputs; 2 * bias, multiplier, offset, shift
void depthwise_row_s8(int8_t *y, const uint32_t *x, const int32_t *channels, const depthwise_row *p);

typedef struct {
    // (2 * pairs,): bytes from x to the taps; in plain C OUTSIDE for those outside the image
    const int32_t *offsets;
    int32_t pairs;
    int32_t channels;  // of x, at least 4
    int32_t step;      // bytes of y from what a channel becomes to what the next one does
    int32_t x_step;    // bytes from a pixel to the next
    int32_t y_step;
    int32_t pixels;          // side by side, at least 1
    const int8_t *nothing;   // a pixel outside the image
} depthwise_taps;

#ifdef DSP_INSTRUCTIONS
#define OUTSIDE(x, p) ((int32_t)((uintptr_t)(p)->nothing - (uintptr_t)(x)))
#else
#define OUTSIDE(x, p) INT32_MIN
#endif

// All channels of some pixels of y, from the four channels of x that lie side by side at each tap; the last four are those
// before them again where channels are no multiple of four.
// table (quads, 4 + 4 * pairs + 12): as in depthwise_conv2d_taps_params
void depthwise_taps_s8(int8_t *y, const int8_t *x, const int32_t *table, const depthwise_taps *p);
