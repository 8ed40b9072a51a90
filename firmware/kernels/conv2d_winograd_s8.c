// 3 x 3 convolution, with the 2 x 2 max pooling that follows it or without one, after Winograd (Lavin and Gray,
// arXiv:1509.09308, the F(2x2, 3x3) of section 4.1), in whole numbers: the four sums of a 2 x 2 tile of the output come
// out of 16 products for each channel, those of the 4 x 4 pixels they see and of the filter, both transformed. Filters
// are transformed at export, times four so that no fraction arises; so the sums here are four times the convolution's,
// exactly. Two tiles at a time.
#include "columns.h"
#include "gather.h"
#include "packed.h"
#include "winograd.h"

enum { POSITIONS = 16 };

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

// The four sums of a tile, A^T m A with A^T = (1 1 1 0; 0 1 -1 -1): above left and right (a, b), below (c, d).
// m (4, 4, 8): one column of one channel, every eighth number.
static inline sums_4 tile_sums(const int32_t *m) {
    const int32_t above_1 = m[8] + m[40] + m[72], below_1 = m[40] - m[72] - m[104];
    const int32_t above_2 = m[16] + m[48] + m[80], below_2 = m[48] - m[80] - m[112];
    return (sums_4){
        m[0] + m[32] + m[64] + above_1 + above_2,
        above_1 - above_2 - (m[24] + m[56] + m[88]),
        m[32] - m[64] - m[96] + below_1 + below_2,
        below_1 - below_2 - (m[56] - m[88] - m[120]),
    };
}

// Where a tile goes in y: its first pixel, and how far from that the others are, 0 for those beyond the edge.
typedef struct {
    int8_t *y;
    int32_t right, below;
} tile_place;

// One column of some channels of a tile, with its pooling or without.    m (16, 4, 2)  channels (count, 4)
static void finish_tile(const tile_place *to, int32_t o, const int32_t *m, const int32_t *channel, int32_t count, int pools) {
    int8_t *y = to->y + o;
    for (; count > 0; count--, channel += 4, m += 2, y++) {
        const sums_4 s = tile_sums(m);
        if (pools) {
            *y = packed_byte_s8(larger(larger(s.a, s.b), larger(s.c, s.d)) >> 1, channel);
        } else {  // first the pixels that may not exist and then lie where existing ones do
            y[to->below + to->right] = packed_byte_s8(s.d >> 1, channel);
            y[to->below] = packed_byte_s8(s.c >> 1, channel);
            y[to->right] = packed_byte_s8(s.b >> 1, channel);
            *y = packed_byte_s8(s.a >> 1, channel);
        }
    }
}

// One column of v: the 4 x 4 pixels that a tile sees, transformed.
static void see(int16_t *v, int8_t *border, const int8_t *x, int32_t top, int32_t left, const conv2d_winograd_params *p) {
    const window_geometry *g = &p->window;
    const int32_t row = g->x_w * g->x_c;
    if (top >= 0 && left >= 0 && top + 4 <= g->x_h && left + 4 <= g->x_w) {
        transform(v, x + top * row + left * g->x_c, row, g->x_c);
    } else {
        window_geometry seen = *g;
        seen.k_h = seen.k_w = 4;
        gather_s8(border, x, top, left, p->x_zero_point, &seen);
        transform(v, border, 4 * g->x_c, g->x_c);
    }
}

void conv2d_winograd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p) {
    const window_geometry *g = &p->window;
    const int pools = p->pool.k_h > 1;
    const int32_t y_h = g->y_h, y_w = g->y_w, y_c = g->y_c, quads = g->x_c / 4;
    const int32_t tile_rows = pools ? p->pool.y_h : (y_h + 1) / 2, tile_columns = pools ? p->pool.y_w : (y_w + 1) / 2;
    int32_t *m = (int32_t *)(void *)scratch;
    int16_t *v = (int16_t *)(void *)(m + 8 * POSITIONS);
    int8_t *border = (int8_t *)(v + 2 * POSITIONS * g->x_c);
    for (int32_t i = 0; i < tile_rows; i++) {
        for (int32_t j = 0; j < tile_columns; j += 2) {
            tile_place to[2];
            for (int32_t b = 0; b < 2; b++) {
                const int32_t column = j + b < tile_columns ? j + b : j;  // without a tile to the right this one again
                if (pools) {
                    to[b] = (tile_place){y + (i * tile_columns + column) * y_c, 0, 0};
                } else {
                    to[b].y = y + (2 * i * y_w + 2 * column) * y_c;
                    to[b].right = 2 * column + 1 < y_w ? y_c : 0;
                    to[b].below = 2 * i + 1 < y_h ? y_w * y_c : 0;
                }
                see(v + 2 * b, border, x, 2 * i - g->pad_h, 2 * column - g->pad_w, p);
            }
            const int16_t *w = p->weights;
            for (int32_t o = 0; o < y_c; o += 4, w += 4 * POSITIONS * g->x_c) {
                const int32_t count = y_c - o < 4 ? y_c - o : 4;
                columns_dot_s16(m, v, w, quads, POSITIONS, 0);
                finish_tile(&to[0], o, m, p->output.channels + 4 * o, count, pools);
                finish_tile(&to[1], o, m + 1, p->output.channels + 4 * o, count, pools);
            }
            for (int32_t b = 0; b < 2; b++) {
                limit_s8(to[b].y, to[b].right + y_c, p->output.y_min, p->output.y_max);
                if (to[b].below) limit_s8(to[b].y + to[b].below, to[b].right + y_c, p->output.y_min, p->output.y_max);
            }
        }
    }
}
