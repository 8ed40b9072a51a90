// Convolution with filters that see a block of the channels each, and its max pooling: two output pixels at a time, for which
// what each block sees is laid side by side.
#include "column_pixels.h"

// A tap of every block in both columns of v, (blocks, taps, words): from two pixels inside x.
static __attribute__((noinline)) void see_inside(
    int16_t *v, const int8_t *x, const int8_t *right, int32_t words, int32_t taps, int32_t blocks
) {
    const int32_t gap = 8 * words * (taps - 1);
    if (words > 1) {
        columns_widen_s8(v, x, (int32_t)(right - x), 4 * words, blocks, words, 2 * gap);
        return;
    }
    for (; blocks > 0; blocks--, x += 4, right += 4, v += 8 + gap) {
        const uint32_t a = load_word(x), b = load_word(right);
        store_quad(v, even_bytes(a), even_bytes(b));
        store_quad(v + 4, odd_bytes(a), odd_bytes(b));
    }
}

// The same in one column, from a pixel of x or, where x is NULL, from none.
static __attribute__((noinline)) void see_one(
    int16_t *v, const int8_t *x, int32_t words, int32_t taps, const conv2d_grouped_params *p
) {
    for (int32_t n = 0; n < p->blocks; n++, v += 8 * words * taps) {
        if (x != NULL) widen_column(v, x + 4 * words * n, 4 * words);
        else see_nothing(v, words, p->conv.x_zero_point);
    }
}

// v (blocks, quads, 2, 2, 2): what two output pixels see.
static void see_groups(int16_t *v, const int8_t *x, place at, place at_right, const conv2d_grouped_params *p) {
    const window_geometry *g = &p->conv.window;
    const int32_t words = g->x_c / 4, pixel = p->blocks * g->x_c, taps = g->k_h * g->k_w;
    for (int32_t a = 0; a < g->k_h; a++) {
        const int32_t i = at.i * g->stride_h - g->pad_h + a * g->dilation_h;
        const int32_t i_right = at_right.i * g->stride_h - g->pad_h + a * g->dilation_h;
        for (int32_t b = 0; b < g->k_w; b++, v += 8 * words) {
            const int32_t j = at.j * g->stride_w - g->pad_w + b * g->dilation_w;
            const int32_t j_right = at_right.j * g->stride_w - g->pad_w + b * g->dilation_w;
            const int8_t *from = NULL, *right = NULL;
            if (i >= 0 && i < g->x_h && j >= 0 && j < g->x_w) from = x + (i * g->x_w + j) * pixel;
            if (i_right >= 0 && i_right < g->x_h && j_right >= 0 && j_right < g->x_w) {
                right = x + (i_right * g->x_w + j_right) * pixel;
            }
            if (from != NULL && right != NULL) {
                see_inside(v, from, right, words, taps, p->blocks);
            } else {
                see_one(v, from, words, taps, p);
                see_one(v + 2, right, words, taps, p);
            }
        }
    }
}

// Two pixels of all blocks from what they see.
static void finish_blocks(
    int8_t *y, int8_t *right, int8_t *few, const int16_t *v, int32_t quads, const conv2d_grouped_params *p
) {
    static const column_loops loops = {columns_output_s16, columns_rectified_s16};
    const int32_t y_c = p->conv.window.y_c;
    conv2d_packed_params block = p->conv;
    for (int32_t n = p->blocks; n > 0; n--, y += y_c, right += y_c, v += 8 * quads) {
        finish_pixels(y, right, few, v, quads, &block, &loops);
        block.weights += 16 * quads * ((y_c + 3) / 4);
        block.output.channels += 4 * y_c;
    }
}

void conv2d_grouped_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_grouped_params *p) {
    const window_geometry *g = &p->conv.window, *pool = &p->conv.pool;
    const int32_t y_c = p->blocks * g->y_c, quads = g->k_h * g->k_w * g->x_c / 4;
    int16_t *v = (int16_t *)(void *)(scratch + 8);
    int8_t *const other = (int8_t *)(v + 8 * quads * p->blocks);
    int8_t *const start = y, *const end = y + pool->y_h * pool->y_w * y_c;
    for (place at = {0, 0}, at_right = at; y != end; at = behind(at_right, pool->y_w)) {
        int8_t *right = y;  // without another pixel this one is computed twice
        at_right = at;
        if (y + y_c != end) {
            right += y_c;
            at_right = behind(at, pool->y_w);
        }
        for (int32_t a = 0; a < pool->k_h; a++) {
            for (int32_t b = 0; b < pool->k_w; b++) {
                const int32_t first = a + b == 0;
                see_groups(v, x, pooled(at, a, b, pool), pooled(at_right, a, b, pool), p);
                finish_blocks(first ? y : other, first ? right : other + y_c, scratch, v, quads, p);
                if (first) continue;
                raise_bytes(y, other, y_c);
                raise_bytes(right, other + y_c, y_c);
            }
        }
        y = right + y_c;
    }
    limit_s8(start, (int32_t)(end - start), p->conv.output.y_min, p->conv.output.y_max);
}
