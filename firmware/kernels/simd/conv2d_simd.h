// Convolution, and the max pooling behind it, eight filters and four pixels at a time; of a dense layer each row is a pixel.
// The rows that a row of the output sees are laid out in 16 bits, with what lies outside the image; then each pair of
// neighbouring values is multiplied with the weights of eight filters. One copy of it for each set of instructions.
#pragma once
#include "rows.h"

// What all pixels of a row share, of eight filters.
typedef struct {
    const int16_t *weights;  // (pairs, 8, 2)
    const int32_t *places;   // (pairs,): where the pairs of a window lie, from its corner
    int32_t pairs;
    const int32_t *table;
} filters;

INLINED eight one_pixel(const filters *f, const int16_t *x) {
    const int16_t *w = f->weights;
    eight sums = load_eight(f->table);
    for (int32_t t = 0; t < f->pairs; t++, w += 16) sums = add_products(sums, load_pairs(w), x + f->places[t]);
    return sums;
}

typedef struct {
    eight a, b, c, d;
} four_sums;

INLINED four_sums four_pixels(
    const filters *f, const int16_t *a, const int16_t *b, const int16_t *c, const int16_t *d
) {
    const int16_t *w = f->weights;
    const eight bias = load_eight(f->table);
    four_sums sums = {bias, bias, bias, bias};
    for (int32_t t = 0; t < f->pairs; t++, w += 16) {
        const weight_pairs both = load_pairs(w);
        const int32_t place = f->places[t];
        sums.a = add_products(sums.a, both, a + place);
        sums.b = add_products(sums.b, both, b + place);
        sums.c = add_products(sums.c, both, c + place);
        sums.d = add_products(sums.d, both, d + place);
    }
    return sums;
}

INLINED void finish(int8_t *y, int32_t count, eight sums, const filters *f, const simd_output *p) {
    int8_t bytes[8];
    bytes_of_eight(count < 8 ? bytes : y, sums, f->table, p);
    if (count < 8) memcpy(y, bytes, (size_t)count);
}

// A row of the output, of up to eight channels.    step: values from what a pixel sees to what the next one sees
OUTLINED void row_of_pixels(
    int8_t *y, int32_t count, const filters *f, const int16_t *seen, int32_t step, const conv2d_simd_params *p
) {
    const simd_output output = p->output;
    const int32_t y_c = p->window.y_c;
    int32_t left = p->pool.y_w;
    for (; left >= 2; left -= 4, seen += 4 * step, y += 4 * y_c) {  // two as four, of which two are the second again
        const int16_t *third = seen + (left > 2 ? 2 : 1) * step, *fourth = left > 3 ? third + step : third;
        const four_sums sums = four_pixels(f, seen, seen + step, third, fourth);
        finish(y, count, sums.a, f, &output);
        finish(y + y_c, count, sums.b, f, &output);
        if (left > 2) finish(y + 2 * y_c, count, sums.c, f, &output);
        if (left > 3) finish(y + 3 * y_c, count, sums.d, f, &output);
    }
    if (left == 1) finish(y, count, one_pixel(f, seen), f, &output);
}

INLINED eight largest_of_four(const filters *f, const int16_t *seen, const int32_t *places) {
    const four_sums sums = four_pixels(f, seen + places[0], seen + places[1], seen + places[2], seen + places[3]);
    return larger_of_eight(larger_of_eight(sums.a, sums.b), larger_of_eight(sums.c, sums.d));
}

// The same of the largest of some pixels.    places (looks,): of these from the first one; looks is a multiple of four
OUTLINED void row_of_largest(
    int8_t *y, int32_t count, const filters *f, const int16_t *seen, int32_t step, const int32_t *places, int32_t looks,
    const conv2d_simd_params *p
) {
    const simd_output output = p->output;
    for (int32_t j = 0; j < p->pool.y_w; j++, seen += step, y += p->window.y_c) {
        eight best = largest_of_four(f, seen, places);
        for (int32_t k = 4; k < looks; k += 4) best = larger_of_eight(best, largest_of_four(f, seen, places + k));
        finish(y, count, best, f, &output);
    }
}

OUTLINED void conv2d_simd(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_simd_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t looks = pool->k_h * pool->k_w, looked_at = (looks + 3) / 4 * 4;
    const int32_t columns = (pool->y_w - 1) * pool->stride_w + pool->k_w;
    const laid_rows rows = {
        .count = (pool->k_h - 1) * g->stride_h + (g->k_h - 1) * g->dilation_h + 1,
        .width = (columns - 1) * g->stride_w + (g->k_w - 1) * g->dilation_w + 1,
    };
    const int32_t row = rows.width * g->x_c;
    int32_t *places = (int32_t *)(void *)scratch, *look_places = places + p->pairs;
    int16_t *laid = (int16_t *)(void *)(look_places + looked_at);
    place_pairs(places, row, g);
    for (int32_t k = 0; k < looked_at; k++) {
        const int32_t look = k < looks ? k : looks - 1;
        look_places[k] = look / pool->k_w * g->stride_h * row + look % pool->k_w * g->stride_w * g->x_c;
    }
    for (int32_t i = 0; i < pool->y_h; i++, y += pool->y_w * g->y_c) {
        lay_rows(laid, x, i * pool->stride_h * g->stride_h - g->pad_h, &rows, p->x_zero_point, g);
        filters f = {p->weights, places, p->pairs, p->output.channels};
        for (int32_t o = 0; o < g->y_c; o += 8, f.weights += 16 * f.pairs, f.table += 32) {
            const int32_t count = g->y_c - o, step = pool->stride_w * g->stride_w * g->x_c;
            if (looks == 1) row_of_pixels(y + o, count, &f, laid, step, p);
            else row_of_largest(y + o, count, &f, laid, step, look_places, looked_at, p);
        }
    }
}
