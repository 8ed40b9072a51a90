// Convolution with one or two filters: two output pixels at a time, from the image as it lies.
#include "gather.h"
#include "packed.h"

typedef struct {
    int32_t rows, runs;  // of a window; runs in a row
    int32_t row, step;   // how far apart those are
    int32_t words, last;  // whole words of a run; where its last, overlapping one begins, 0 where there is none
} window_runs;

INLINED int32_t add_products(int32_t sum, uint32_t word, const int16_t *w) {
    return multiply_add(multiply_add(sum, even_bytes(word), load_pair(w)), odd_bytes(word), load_pair(w + 2));
}

// y[0], y[y_c], ... = the outputs of a filter for pairs of windows, each `apart` bytes behind the one before.
static __attribute__((noinline)) void filter_pairs(
    int8_t *y, int32_t y_c, const int8_t *x, int32_t pairs, int32_t apart, const int16_t *filter,
    const window_runs *runs, const int32_t *channel
) {
    const int32_t words = runs->words, last = runs->last;
    for (; pairs > 0; pairs--, x += 2 * apart, y += 2 * y_c) {
        const int16_t *w = filter;
        const int8_t *row = x;
        int32_t sum = 0, next = 0;
        for (int32_t a = runs->rows; a > 0; a--, row += runs->row) {
            const int8_t *run = row;
            for (int32_t b = runs->runs; b > 0; b--, run += runs->step) {
                const int8_t *in = run;
                for (const int8_t *const end = run + 4 * words; in != end; in += 4, w += 4) {
                    sum = add_products(sum, load_word(in), w);
                    next = add_products(next, load_word(in + apart), w);
                }
                if (!last) continue;
                sum = add_products(sum, load_word(run + last), w);
                next = add_products(next, load_word(run + last + apart), w);
                w += 4;
            }
        }
        const packed_scale scale = packed_channel(channel);
        y[0] = (int8_t)packed_value(sum, &scale);
        y[y_c] = (int8_t)packed_value(next, &scale);
    }
}

// The first pixel of a row of y whose window begins inside, and the one behind the last that ends there.
static int32_t first_inside(int32_t pad, int32_t stride) { return (pad + stride - 1) / stride; }
static int32_t behind_inside(int32_t x, int32_t span, int32_t pad, int32_t stride, int32_t y) {
    const int32_t inside = x - span + pad < 0 ? 0 : (x - span + pad) / stride + 1;
    return inside < y ? inside : y;
}

void conv2d_few_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_few_params *p) {
    const window_geometry *g = &p->window;
    const int32_t run = p->run, y_c = g->y_c, pixel = g->stride_w * g->x_c;
    const window_runs in_image = {
        g->k_h, g->k_w * g->x_c / run, g->dilation_h * g->x_w * g->x_c, g->dilation_w * g->x_c, run / 4,
        run % 4 ? run - 4 : 0
    };
    window_runs in_scratch = in_image;
    in_scratch.row = g->k_w * g->x_c;
    in_scratch.step = run;
    const int32_t span_h = (g->k_h - 1) * g->dilation_h + 1, span_w = (g->k_w - 1) * g->dilation_w + 1;
    const int32_t left = first_inside(g->pad_w, g->stride_w);
    const int32_t right = behind_inside(g->x_w, span_w, g->pad_w, g->stride_w, g->y_w);
    for (int32_t i = 0; i < g->y_h; i++) {
        const int32_t top = i * g->stride_h - g->pad_h;
        const int32_t pairs = top < 0 || top + span_h > g->x_h || right < left ? 0 : (right - left) / 2;
        int8_t *const out = y + i * g->y_w * y_c;
        for (int32_t o = 0; pairs && o < y_c; o++) {
            const int8_t *first = x + (top * g->x_w + left * g->stride_w - g->pad_w) * g->x_c;
            const int16_t *filter = p->weights + 4 * p->quads * o;
            filter_pairs(out + left * y_c + o, y_c, first, pairs, pixel, filter, &in_image, p->output.channels + 4 * o);
        }
        for (int32_t j = 0; j < g->y_w; j++) {
            if (pairs && j == left) j += 2 * pairs;
            if (j == g->y_w) break;
            gather_s8(scratch, x, top, j * g->stride_w - g->pad_w, p->x_zero_point, g);
            for (int32_t o = 0; o < y_c; o++) {
                int8_t twice[2];
                const int16_t *filter = p->weights + 4 * p->quads * o;
                filter_pairs(twice, 1, scratch, 1, 0, filter, &in_scratch, p->output.channels + 4 * o);
                out[j * y_c + o] = twice[0];
            }
        }
    }
    limit_s8(y, g->y_h * g->y_w * y_c, p->output.y_min, p->output.y_max);
}
