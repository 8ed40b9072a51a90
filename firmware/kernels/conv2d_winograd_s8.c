// 3 x 3 convolution and the 2 x 2 max pooling that follows it, after Winograd (Lavin and Gray, arXiv:1509.09308, the
// F(2x2, 3x3) of section 4.1), in whole numbers: the four sums of a pooling window come out of 16 products for each
// channel, those of the 4 x 4 pixels they see and of the filter, both transformed. Filters are transformed at export,
// times four so that no fraction arises; so the sums here are four times the convolution's, exactly.
#include "gather.h"
#include "packed.h"
#include "winograd.h"

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

// The largest of the four sums of a pooling window, A^T m A with A^T = (1 1 1 0; 0 1 -1 -1).
// m (4, 4, 4): one channel of it, every fourth number.
static inline int32_t largest_sum(const int32_t *m) {
    const int32_t above_1 = m[4] + m[20] + m[36], below_1 = m[20] - m[36] - m[52];
    const int32_t above_2 = m[8] + m[24] + m[40], below_2 = m[24] - m[40] - m[56];
    const int32_t above_left = m[0] + m[16] + m[32] + above_1 + above_2;
    const int32_t above_right = above_1 - above_2 - (m[12] + m[28] + m[44]);
    const int32_t below_left = m[16] - m[32] - m[48] + below_1 + below_2;
    const int32_t below_right = below_1 - below_2 - (m[28] - m[44] - m[60]);
    return larger(larger(above_left, above_right), larger(below_left, below_right));
}

// best[o] = twice the largest sum of the convolution    best (groups, 4)  v (16, quads, 4)
static void tile(int32_t *best, const int16_t *v, const int16_t *weights, int32_t groups, int32_t quads) {
    int32_t m[64];  // (16, 4)
    for (int32_t g = 0; g < groups; g++, best += 4) {
        const int16_t *x = v;
        for (int32_t k = 0; k < 64; k += 4) {
            const sums_4 s = dot_4_s16(&x, &weights, quads);
            m[k] = s.a;
            m[k + 1] = s.b;
            m[k + 2] = s.c;
            m[k + 3] = s.d;
        }
        for (int32_t o = 0; o < 4; o++) best[o] = largest_sum(m + o) >> 1;
    }
}

void conv2d_winograd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p) {
    window_geometry seen = p->window;
    seen.k_h = seen.k_w = 4;
    const int32_t groups = (p->pool.y_c + 3) / 4, x_c = seen.x_c, row = seen.x_w * x_c;
    int32_t *best = (int32_t *)(void *)scratch;
    int16_t *v = (int16_t *)(void *)(best + 4 * groups);
    int8_t *border = (int8_t *)(v + 16 * x_c);
    for (int32_t i = 0; i < p->pool.y_h; i++) {
        const int32_t top = 2 * i - seen.pad_h;
        for (int32_t j = 0; j < p->pool.y_w; j++, y += p->pool.y_c) {
            const int32_t left = 2 * j - seen.pad_w;
            if (top >= 0 && left >= 0 && top + 4 <= seen.x_h && left + 4 <= seen.x_w) {
                transform(v, x + top * row + left * x_c, row, x_c);
            } else {
                gather_s8(border, x, top, left, p->x_zero_point, &seen);
                transform(v, border, 4 * x_c, x_c);
            }
            tile(best, v, p->weights, groups, x_c / 4);
            finish_s8(y, best, p->pool.y_c, &p->output);
        }
    }
}
