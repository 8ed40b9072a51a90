// Convolution, and the max pooling behind it, sixteen taps of four filters at a time; of a dense layer each row is a pixel.
#include "view.h"

// All filters on what one pixel sees, or the largest of some pixels.    seen (looks, taps)
INLINED void all_filters(int8_t *y, const int8_t *seen, int32_t taps, int32_t looks, const conv2d_helium_params *p) {
    const vector_output output = p->output;
    const int32_t *table = output.channels;
    const int8_t *w = p->weights;
    for (int32_t left = p->window.y_c; left > 0; left -= 4, table += 16, y += 4) {
        const int8_t *next = w, *other = seen;
        four sums = four_sums(seen, &next, taps, table);
        for (int32_t k = looks - 1; k > 0; k--) {
            next = w;
            sums = larger_of_four(sums, four_sums(other += taps, &next, taps, table));
        }
        w = next;
        finish_four(y, sums, table, left, &output);
    }
}

static __attribute__((noinline)) void one_look(
    int8_t *y, const int8_t *seen, int32_t taps, const conv2d_helium_params *p
) {
    all_filters(y, seen, taps, 1, p);
}

static __attribute__((noinline)) void some_looks(
    int8_t *y, const int8_t *seen, int32_t taps, int32_t looks, const conv2d_helium_params *p
) {
    all_filters(y, seen, taps, looks, p);
}

// Of windows with at most sixteen taps.    seen (looks, 16)
static __attribute__((noinline)) void few_taps(
    int8_t *y, const int8_t *seen, int32_t taps, int32_t looks, const conv2d_helium_params *p
) {
    const vector_output output = p->output;
    const int32_t *table = output.channels;
    const int8_t *w = p->weights;
    for (int32_t left = p->window.y_c; left > 0; left -= 4, table += 16, w += 64, y += 4) {
        finish_four(y, largest_of_few(seen, w, taps, looks, table), table, left, &output);
    }
}

void conv2d_helium_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_helium_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t looks = pool->k_h * pool->k_w, taps = g->k_h * g->k_w * g->x_c;
    const int in_a_row = g->k_h == 1 || (g->k_w == g->x_w && g->dilation_h == 1);
    const int is_whole = looks == 1 && in_a_row && (g->k_w == 1 || g->dilation_w == 1);  // a window lies in x as it is seen
    const int is_few = !is_whole && taps <= 16;
    const int32_t apart = is_few ? 16 : taps;
    for (int32_t i = 0; i < pool->y_h; i++) {
        for (int32_t j = 0; j < pool->y_w; j++, y += g->y_c) {
            const int8_t *seen = scratch;
            int8_t *next = scratch;
            for (int32_t a = 0; a < pool->k_h; a++) {
                const int32_t top = (i * pool->stride_h + a) * g->stride_h - g->pad_h;
                for (int32_t b = 0; b < pool->k_w; b++, next += apart) {
                    const int32_t left = (j * pool->stride_w + b) * g->stride_w - g->pad_w;
                    if (is_whole && is_inside(top, left, g)) seen = x + (top * g->x_w + left) * g->x_c;
                    else lay_window(next, x, top, left, p->x_zero_point, g);
                }
            }
            if (is_few) few_taps(y, scratch, taps, looks, p);
            else if (looks == 1) one_look(y, seen, taps, p);
            else some_looks(y, seen, taps, looks, p);
        }
    }
}
