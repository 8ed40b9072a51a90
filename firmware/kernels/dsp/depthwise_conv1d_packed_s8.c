// Depthwise convolution along one axis: pixels side by side are laid out as planes of pairs, four channels at a time.
#include "depthwise.h"

// A line of pixels that the window goes along; steps and rows in bytes.
typedef struct {
    int32_t x_pixels, y_pixels, pad;
    int32_t x_step, y_step;
} line;

// How many words of a plane the loops take for so many outputs.
static int32_t words_of(int32_t columns, const depthwise_conv1d_packed_params *p) {
    const int32_t steps = p->run_count > 0 ? (columns > 4 ? columns : 4) : 3 * ((columns + 5) / 6);
    return steps + p->pairs - 1;
}

// A pair of which one half lies outside.
static __attribute__((noinline)) void lay_end(
    uint32_t *to, int32_t words, const int8_t *inside, int32_t is_first, int32_t x_zero_point
) {
    lay_half(to, words, inside, is_first, low_halves((uint32_t)x_zero_point, (uint32_t)x_zero_point));
}

// All pairs of pixels with fewer than four channels.
static __attribute__((noinline)) void lay_few(
    uint32_t *plane, int32_t words, const int8_t *x, int32_t first, const line *l, const depthwise_conv1d_packed_params *p
) {
    for (int32_t n = 0, j = first; n < words; n++, j += 2) {
        const int8_t *low = j >= 0 && j < l->x_pixels ? x + j * l->x_step : NULL;
        const int8_t *high = j + 1 >= 0 && j + 1 < l->x_pixels ? x + (j + 1) * l->x_step : NULL;
        for (int32_t c = 0; c < p->window.x_c; c++) {
            const int32_t lower = low ? low[c] : p->x_zero_point, upper = high ? high[c] : p->x_zero_point;
            plane[c * words + n] = low_halves((uint32_t)lower, (uint32_t)upper);
        }
    }
}

// The pairs of four channels, the first of which begins with pixel `first`; those that lie outside are there.
static void lay_out_line(
    uint32_t *plane, int32_t words, const int8_t *x, int32_t first, const line *l, const depthwise_conv1d_packed_params *p
) {
    const int32_t before = first < 0 ? -first : 0, behind = l->x_pixels - first;  // from there to the end of x
    const int32_t from = (before + 1) / 2, end = behind / 2, to = end < words ? end : words;
    if (p->window.x_c < QUAD) {
        lay_few(plane, words, x, first, l, p);
        return;
    }
    if (before % 2 != 0 && from <= words && l->x_pixels > 0) lay_end(plane + from - 1, words, x, 0, p->x_zero_point);
    if (to > from) {
        depthwise_pairs_s8(
            plane + from, 4 * words, x + (first + 2 * from) * l->x_step, l->x_step, 2 * l->x_step, to - from, 0, 0, 1
        );
    }
    if (behind % 2 > 0 && end >= from && end < words) {
        lay_end(plane + end, words, x + (l->x_pixels - 1) * l->x_step, 1, p->x_zero_point);
    }
}

// A row of outputs of one channel with a stride of 2.
static void every_second(
    int8_t *y, const uint32_t *plane, const int32_t *channel, int32_t columns, int32_t step,
    const depthwise_conv1d_packed_params *p
) {
    const int32_t *runs = p->channels + (p->pairs + 4) * p->window.y_c, last = (columns - 1) * step;
    const depthwise_window asked = {
        {step < last ? step : last, 2 * step < last ? 2 * step : last, 3 * step < last ? 3 * step : last},
        columns, runs, runs + 2 * p->run_count, (const uint32_t *)channel, channel + p->pairs,
    };
    depthwise_window_s8(y, plane, &asked);
}

// From the planes of channels [c, c + asked->channels) to all that they become in some outputs.
static void finish(
    int8_t *y, const uint32_t *plane, int32_t c, const depthwise_row *asked, const depthwise_conv1d_packed_params *p
) {
    const int32_t each = asked->y_each, of_input = asked->each / 4, numbers = of_input / each;
    const int32_t *channel = p->channels + c * of_input;
    y += c * each;
    for (int32_t k = 0; k < each; k++, y++, channel += numbers) {
        if (p->run_count == 0) {
            depthwise_row_s8(y, plane, channel, asked);
            continue;
        }
        for (int32_t n = 0; n < asked->channels; n++) {
            every_second(
                y + n * each, plane + n * (asked->size / 4), channel + n * of_input, asked->columns, asked->y_step, p
            );
        }
    }
}

// All channels of the outputs of a line, as many of them at a time as `columns` says.
static void whole_line(
    int8_t *y, const int8_t *x, int8_t *scratch, int32_t stride, const line *l, const depthwise_conv1d_packed_params *p
) {
    const int32_t x_c = p->window.x_c, each = p->window.y_c / x_c, sets = p->run_count > 0 ? 1 : 2;
    const uint32_t nothing = low_halves((uint32_t)p->x_zero_point, (uint32_t)p->x_zero_point);
    uint32_t *plane = (uint32_t *)(void *)scratch;
    for (int32_t j = 0; j < l->y_pixels; j += p->columns, y += p->columns * l->y_step) {
        const int32_t columns = l->y_pixels - j < p->columns ? l->y_pixels - j : p->columns, words = words_of(columns, p);
        depthwise_row asked = {4 * words, p->pairs, columns, l->y_step, x_c, each, 4 * each * (sets * p->pairs + 4)};
        lay_nothing(plane, words, nothing);
        for (int32_t c = 0; c < x_c; c += QUAD) {  // the last four channels, if fewer are left, with some before them again
            const int32_t first = c <= x_c - QUAD ? c : x_c < QUAD ? 0 : x_c - QUAD;
            asked.channels = x_c - c < QUAD ? x_c - c : QUAD;
            lay_out_line(plane, words, x + first, j * stride - l->pad, l, p);
            finish(y, plane + (c - first) * words, c, &asked, p);
        }
    }
}

void depthwise_conv1d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv1d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t down = g->k_w == 1, x_row = g->x_w * g->x_c, y_row = g->y_w * g->y_c;  // lines are columns, or rows
    const int32_t stride = down ? g->stride_h : g->stride_w, maps = down ? g->dilation_h : g->dilation_w;
    const int32_t x_pixels = down ? g->x_h : g->x_w, y_pixels = down ? g->y_h : g->y_w, pad = down ? g->pad_h : g->pad_w;
    const int32_t x_step = down ? x_row : g->x_c, y_step = down ? y_row : g->y_c, lines = down ? g->y_w : g->y_h;
    const int32_t x_next = down ? g->stride_w * g->x_c : g->stride_h * x_row, y_next = down ? g->y_c : y_row;
    for (int32_t i = 0; i < lines; i++) {
        for (int32_t k = 0; k < maps && k < y_pixels; k++) {  // of a dilated window every so many pixels
            const int32_t before = pad - k, first = (maps - before % maps) % maps;
            const line l = {
                (x_pixels - first + maps - 1) / maps, (y_pixels - k + maps - 1) / maps, (before + first) / maps,
                maps * x_step, maps * y_step,
            };
            whole_line(y + i * y_next + k * y_step, x + i * x_next + first * x_step, scratch, stride, &l, p);
        }
    }
    limit_s8(y, g->y_h * y_row, p->y_min, p->y_max);
}
