// Convolution with few filters: four output pixels at a time, from the image as it lies.
#include <string.h>

#include "packed.h"
#include "windows.h"

// Some pixels of a row of the output, and which rows of their windows lie inside the image.
typedef struct {
    int32_t i, j, n, above, below;
} pixels_row;

// The first of k taps, `apart` one from the other, that lies at `at` or behind it.
static int32_t first_tap(int32_t at, int32_t apart, int32_t k) {
    const int32_t tap = at > 0 ? (at + apart - 1) / apart : 0;
    return tap < k ? tap : k;
}

// What some words of weights make of nothing but x's zero point.
static int32_t sum_outside(const int32_t *table, int32_t words, int32_t x_zero_point) {
    int32_t sum = 0;
    for (; words > 0; words--, table += 3) {
        const uint32_t even = (uint32_t)table[1], odd = (uint32_t)table[2];
        sum += low_half(even) + high_half(even) + low_half(odd) + high_half(odd);
    }
    return sum * x_zero_point;
}

// The pixels of every filter, of windows that see `seen`.
static void compute_pixels(int8_t *y, const seen_windows *seen, const pixels_row *at, const conv2d_few_params *p) {
    const int32_t words = p->row_words, k_h = p->window.k_h, x_zero_point = p->x_zero_point;
    for (int32_t o = 0; o < p->window.y_c; o++) {
        const int32_t *table = p->table + 3 * words * k_h * o, *inside = table + 3 * words * at->above;
        const int32_t *channel = p->output.channels + 4 * o;
        const int32_t start = channel[0] + sum_outside(table, at->above * words, x_zero_point) +
                              sum_outside(table + 3 * words * at->below, (k_h - at->below) * words, x_zero_point);
        windows_output_s8(y + o, p->window.y_c, seen, inside, start, channel);
    }
}

// Up to four pixels, some at the left or the right border: what they see is laid out first.
static void compute_border(int8_t *y, const int8_t *x, int8_t *scratch, const pixels_row *at, const conv2d_few_params *p) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, rows = at->below - at->above;
    const int32_t columns = 3 * g->stride_w + (g->k_w - 1) * g->dilation_w + 1;
    const int32_t left = at->j * g->stride_w - g->pad_w, right = left + columns;
    const int32_t first = left > 0 ? left : 0, behind = right < g->x_w ? right : g->x_w;
    int8_t *const four = scratch + g->k_h * columns * x_c;
    for (int32_t a = 0; a < rows; a++) {
        const int32_t row = at->i * g->stride_h - g->pad_h + (at->above + a) * g->dilation_h;
        int8_t *const to = scratch + a * columns * x_c;
        memset(to, p->x_zero_point, (size_t)(columns * x_c));
        if (row < 0 || row >= g->x_h || first >= behind) continue;
        memcpy(to + (first - left) * x_c, x + (row * g->x_w + first) * x_c, (size_t)((behind - first) * x_c));
    }
    const seen_windows seen = {scratch, 0, rows, p->row_words, columns * x_c, g->stride_w * x_c, 4};
    compute_pixels(four, &seen, at, p);
    memcpy(y, four, (size_t)(at->n * g->y_c));
}

// Pixels whose windows reach beyond neither border; at least four.
static void compute_inside(int8_t *y, const int8_t *x, const pixels_row *at, const conv2d_few_params *p) {
    const window_geometry *g = &p->window;
    const int32_t row = at->i * g->stride_h - g->pad_h + at->above * g->dilation_h;
    const int32_t first = (row * g->x_w + at->j * g->stride_w - g->pad_w) * g->x_c;
    const seen_windows seen = {
        x, first, at->below - at->above, p->row_words, g->dilation_h * g->x_w * g->x_c, g->stride_w * g->x_c, at->n
    };
    compute_pixels(y, &seen, at, p);
}

void conv2d_few_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_few_params *p) {
    const window_geometry *g = &p->window;
    const int32_t behind = g->x_w + g->pad_w - (g->k_w - 1) * g->dilation_w;  // where no window begins any more
    const int32_t left = first_tap(g->pad_w, g->stride_w, g->y_w), right = first_tap(behind, g->stride_w, g->y_w);
    int8_t *to = y;
    for (int32_t i = 0; i < g->y_h; i++) {
        const int32_t top = i * g->stride_h - g->pad_h;
        const int32_t above = first_tap(-top, g->dilation_h, g->k_h);
        const int32_t below = first_tap(g->x_h - top, g->dilation_h, g->k_h);
        const int sees_rows = above < below;  // else one row that lies outside
        pixels_row at = {i, 0, 0, sees_rows ? above : 0, sees_rows ? below : 1};
        for (; at.j < g->y_w; at.j += at.n, to += at.n * g->y_c) {
            const int32_t inside = right - at.j, rest = g->y_w - at.j;
            const int is_inside = sees_rows && at.j >= left && inside >= 4;
            at.n = !is_inside ? rest < 4 ? rest : 4 : inside == rest ? inside : inside / 4 * 4;
            if (is_inside) compute_inside(to, x, &at, p);
            else compute_border(to, x, scratch, &at, p);
        }
    }
    limit_s8(y, g->y_h * g->y_w * g->y_c, p->output.y_min, p->output.y_max);
}
