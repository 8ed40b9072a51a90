// Convolution, and the max pooling behind it, sixteen taps of four filters at a time; of a dense layer each row is a pixel.
#include "view.h"

// All filters on what one pixel sees.    seen (taps,)
static __attribute__((noinline)) void one_pixel(
    int8_t *y, const int8_t *seen, int32_t taps, const conv2d_helium_params *p
) {
    const vector_output output = p->output;
    const int32_t *table = output.channels;
    const int8_t *w = p->weights;
    for (int32_t left = p->window.y_c; left > 0; left -= 4, table += 16, y += 4) {
        finish_four(y, four_sums(seen, &w, taps, table), table, left, &output);
    }
}

// On what two pixels see that follow each other in y, sixteen taps or more.    seen (taps,)  seen_2 (taps,)
static __attribute__((noinline)) void two_pixels(
    int8_t *y, const int8_t *seen, const int8_t *seen_2, int32_t taps, const conv2d_helium_params *p
) {
    const vector_output output = p->output;
    const int32_t *table = output.channels, y_c = p->window.y_c;
    const int8_t *w = p->weights;
    for (int32_t left = y_c; left > 0; left -= 4, table += 16, y += 4) {
        four sums, sums_2;
        eight_sums(&sums, &sums_2, seen, seen_2, &w, taps);
        finish_eight(y, y + y_c, with_bias(sums, table), with_bias(sums_2, table), table, left, &output);
    }
}

// The largest of some pixels, two or more, of more than sixteen taps.    seen (looks, taps)
static __attribute__((noinline)) void some_looks(
    int8_t *y, const int8_t *seen, int32_t taps, int32_t looks, const conv2d_helium_params *p
) {
    const vector_output output = p->output;
    const int32_t *table = output.channels;
    const int8_t *w = p->weights;
    for (int32_t left = p->window.y_c; left > 0; left -= 4, table += 16, y += 4) {
        const int8_t *next = w, *other = seen + 2 * taps;
        four best, sums, sums_2;
        eight_sums(&sums, &sums_2, seen, seen + taps, &next, taps);
        best = larger_of_four(sums, sums_2);
        for (int32_t k = looks - 2; k > 0; k -= 2, other += 2 * taps) {
            next = w;
            eight_sums(&sums, &sums_2, other, k > 1 ? other + taps : other, &next, taps);
            best = larger_of_four(best, larger_of_four(sums, sums_2));
        }
        w = next;
        finish_four(y, with_bias(best, table), table, left, &output);
    }
}

// Of windows with at most sixteen taps.    seen (looks, 16)
INLINED void few(int8_t *y, const int8_t *seen, int32_t taps, int32_t looks, const conv2d_helium_params *p) {
    const vector_output output = p->output;
    const int32_t *table = output.channels;
    const int8_t *w = p->weights;
    for (int32_t left = p->window.y_c; left > 0; left -= 4, table += 16, w += 64, y += 4) {
        finish_four(y, largest_of_few(seen, w, taps, looks, table), table, left, &output);
    }
}

static __attribute__((noinline)) void few_taps(
    int8_t *y, const int8_t *seen, int32_t taps, int32_t looks, const conv2d_helium_params *p
) {
    if (looks == 4) few(y, seen, taps, 4, p);  // the usual pooling, without a loop
    else few(y, seen, taps, looks, p);
}

// How far behind its corner the taps of a window of at most sixteen lie, then zeros. 0 where one lies too far for a byte.
static int find_places(uint8_t *places, const window_geometry *g) {
    const int32_t taps = g->k_h * g->k_w * g->x_c;
    const int32_t last = ((g->k_h - 1) * g->dilation_h * g->x_w + (g->k_w - 1) * g->dilation_w + 1) * g->x_c - 1;
    if (taps > 16 || last > 255) return 0;
    for (int32_t t = 0; t < 16; t++) places[t] = 0;
    for (int32_t a = 0; a < g->k_h; a++) {
        for (int32_t b = 0; b < g->k_w; b++) {
            const int32_t place = (a * g->dilation_h * g->x_w + b * g->dilation_w) * g->x_c;
            for (int32_t c = 0; c < g->x_c; c++) *places++ = (uint8_t)(place + c);
        }
    }
    return 1;
}

// A pooling, or windows of at most sixteen taps.
static void by_looks(int8_t *y, const int8_t *x, int8_t *scratch, int32_t taps, const conv2d_helium_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t looks = pool->k_h * pool->k_w, apart = taps <= 16 ? 16 : taps;
    uint8_t places[16];
    const int can_gather = find_places(places, g);
    for (int32_t i = 0; i < pool->y_h; i++) {
        for (int32_t j = 0; j < pool->y_w; j++, y += g->y_c) {
            int8_t *seen = scratch;
            for (int32_t a = 0; a < pool->k_h; a++) {
                const int32_t top = (i * pool->stride_h + a) * g->stride_h - g->pad_h;
                int32_t left = j * pool->stride_w * g->stride_w - g->pad_w;
                for (int32_t b = 0; b < pool->k_w; b++, left += g->stride_w, seen += apart) {
                    if (can_gather && sees_inside(top, left, g)) gather_sixteen(seen, x + (top * g->x_w + left) * g->x_c, places);
                    else lay_window(seen, x, top, left, p->x_zero_point, g);
                }
            }
            if (taps <= 16) few_taps(y, scratch, taps, looks, p);
            else some_looks(y, scratch, taps, looks, p);
        }
    }
}

// Two pixels of y at a time, but the last one where their number is odd and those of fewer than sixteen taps.
static void by_pixels(
    int8_t *y, const int8_t *x, int8_t *scratch, int32_t taps, int is_whole, const conv2d_helium_params *p
) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t step = pool->stride_w * g->stride_w, pixels = pool->y_h * pool->y_w;
    const int8_t *waits = 0;  // what the pixel before this one sees
    for (int32_t i = 0, n = 1; i < pool->y_h; i++) {
        const int32_t top = i * pool->stride_h * g->stride_h - g->pad_h;
        int32_t left = -g->pad_w;
        for (int32_t j = pool->y_w; j > 0; j--, n++, left += step, y += g->y_c) {
            int8_t *next = waits == scratch ? scratch + taps : scratch;
            const int8_t *seen = next;
            if (is_whole && sees_inside(top, left, g)) seen = x + (top * g->x_w + left) * g->x_c;
            else lay_window(next, x, top, left, p->x_zero_point, g);
            if (waits) two_pixels(y - g->y_c, waits, seen, taps, p);
            else if (taps < 16 || n == pixels) one_pixel(y, seen, taps, p);
            waits = waits || taps < 16 ? 0 : seen;
        }
    }
}

void conv2d_helium_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_helium_params *p) {
    const window_geometry *g = &p->window;
    const int32_t looks = p->pool.k_h * p->pool.k_w, taps = g->k_h * g->k_w * g->x_c;
    const int in_a_row = g->k_h == 1 || (g->k_w == g->x_w && g->dilation_h == 1);
    const int is_whole = in_a_row && (g->k_w == 1 || g->dilation_w == 1);  // a window lies in x as it is seen
    if (looks > 1 || (!is_whole && taps <= 16)) by_looks(y, x, scratch, taps, p);
    else by_pixels(y, x, scratch, taps, is_whole, p);
}
