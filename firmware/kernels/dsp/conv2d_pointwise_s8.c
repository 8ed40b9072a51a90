// 1 x 1 convolution of any stride, four pixels at a time: each weight is read once for all four.
#include "packed.h"
#include "pixels.h"

enum { ABREAST = 4 };  // pixels

// A quad of v whose taps are the n bytes, fewer than four, from x[k] + behind on, and zeros.
static __attribute__((noinline)) void widen_rests(int16_t *v, const int8_t *const *x, int32_t behind, int32_t n) {
    for (int32_t k = 0; k < ABREAST; k++, v += 2) {
        const int8_t *rest = x[k] + behind;
        v[0] = rest[0];
        v[1] = n > 2 ? rest[2] : 0;
        v[2 * ABREAST] = n > 1 ? rest[1] : 0;
        v[2 * ABREAST + 1] = 0;
    }
}

// From what four pixels see, in quads, to their bytes. An odd number of filters ends with a pair that begins with the last
// but one again.
INLINED void output_abreast(int8_t **to, const int16_t *v, int32_t quads, const conv2d_packed_params *p) {
    const int32_t y_c = p->window.y_c, pairs = y_c / 2;
    const int32_t *channels = p->output.channels;
    void (*const output)(int8_t *const *, const int16_t *, const int16_t *, int32_t, int32_t, const int32_t *) =
        p->output.rectifies ? pixels_rectified_s16 : pixels_output_s16;
    output(to, p->weights, v, quads, pairs, channels);
    if (y_c % 2 == 0) return;
    for (int32_t k = 0; k < ABREAST; k++) to[k] += y_c - 2;
    output(to, p->weights + 8 * quads * pairs, v, quads, 1, channels + 4 * (y_c - 2));
}

void conv2d_pointwise_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, y_c = g->y_c, across = g->stride_w * x_c;
    const int32_t next_row = g->stride_h * g->x_w * x_c - g->y_w * across;
    const int32_t words = x_c / 4, rest = x_c % 4;
    int16_t *v = (int16_t *)(void *)scratch;
    int8_t *const start = y, *const end = y + g->y_h * g->y_w * y_c;
    int32_t left = g->y_w;  // pixels of a row
    while (y != end) {
        const int8_t *from[ABREAST];
        int8_t *to[ABREAST];
        for (int32_t k = 0; k < ABREAST; k++) {
            if (y == end) {  // without another pixel the last one is computed again
                from[k] = from[k - 1];
                to[k] = to[k - 1];
                continue;
            }
            from[k] = x;
            to[k] = y;
            y += y_c;
            x += across;
            if (--left == 0) {
                left = g->y_w;
                x += next_row;
            }
        }
        if (words) widen_pixels(v, from, words);
        if (rest) widen_rests(v + 4 * ABREAST * words, from, x_c - rest, rest);
        output_abreast(to, v, words + (rest != 0), p);
    }
    limit_s8(start, (int32_t)(end - start), p->output.y_min, p->output.y_max);
}
