// 3 x 3 convolution, with the 2 x 2 max pooling that follows it or without one, after Winograd (Lavin and Gray,
// arXiv:1509.09308, the F(2x2, 3x3) of section 4.1), in whole numbers: the four sums of a 2 x 2 tile of the output come
// out of 16 products for each channel, those of the 4 x 4 pixels they see and of the filter, both transformed. Filters
// are transformed at export, times four so that no fraction arises; so the sums here are four times the convolution's,
// exactly. Two tiles at a time.
#include "columns.h"
#include "gather.h"
#include "packed.h"
#include "winograd.h"

enum { ROWS = 4 };  // of a transformed tile, each of as many positions

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

// Where a tile goes in y: its first pixel, and how far from that the others are, 0 for those beyond the edge.
typedef struct {
    int8_t *y;
    int32_t right, below;
} tile_place;

static tile_place find_tile(int8_t *y, place at, int32_t tile_columns, const conv2d_winograd_params *p) {
    const int32_t y_h = p->window.y_h, y_w = p->window.y_w, y_c = p->window.y_c;
    if (p->pool.k_h > 1) return (tile_place){y + (at.i * tile_columns + at.j) * y_c, 0, 0};
    const int32_t right = 2 * at.j + 1 < y_w ? y_c : 0, below = 2 * at.i + 1 < y_h ? y_w * y_c : 0;
    return (tile_place){y + (2 * at.i * y_w + 2 * at.j) * y_c, right, below};
}

// Some channels of one tile, whose four pixels become their largest.    sums (count, 2, 4)  channels (count, 4)
static __attribute__((noinline)) void finish_pooled(
    const tile_place *to, const int32_t *sums, const int32_t *channel, int32_t count
) {
    for (int8_t *y = to->y, *const end = y + count; y != end; channel += 4, sums += 8) {
        const packed_scale scale = packed_channel(channel);
        const int32_t most = larger(larger(sums[0], sums[1]), larger(sums[2], sums[3]));
        *y++ = (int8_t)packed_value(most >> 1, &scale);
    }
}

// The same without a pooling: first the pixels that may not exist and then lie where existing ones do.
static __attribute__((noinline)) void finish_tile(
    const tile_place *to, const int32_t *sums, const int32_t *channel, int32_t count
) {
    const int32_t right = to->right, below = to->below, both = right + below;
    for (int8_t *y = to->y, *const end = y + count; y != end; channel += 4, sums += 8, y++) {
        const packed_scale scale = packed_channel(channel);
        y[both] = (int8_t)packed_value(sums[3] >> 1, &scale);
        y[below] = (int8_t)packed_value(sums[2] >> 1, &scale);
        y[right] = (int8_t)packed_value(sums[1] >> 1, &scale);
        *y = (int8_t)packed_value(sums[0] >> 1, &scale);
    }
}

// The 4 x 4 pixels that a tile sees: in x, or at the border copied.
static __attribute__((noinline)) tile_view see_tile(
    int8_t *border, const int8_t *x, int32_t top, int32_t left, const conv2d_winograd_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t row = g->x_w * g->x_c;
    if (top >= 0 && left >= 0 && top + 4 <= g->x_h && left + 4 <= g->x_w) {
        return (tile_view){x + top * row + left * g->x_c, row};
    }
    window_geometry seen = *g;
    seen.k_h = seen.k_w = 4;
    gather_s8(border, x, top, left, p->x_zero_point, &seen);
    return (tile_view){border, 4 * g->x_c};
}

void conv2d_winograd_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p) {
    const window_geometry *g = &p->window;
    const int pools = p->pool.k_h > 1;
    const int32_t x_c = g->x_c, y_c = g->y_c;
    const int32_t tile_columns = pools ? p->pool.y_w : (g->y_w + 1) / 2;
    const int32_t tiles = tile_columns * (pools ? p->pool.y_h : (g->y_h + 1) / 2);
    int32_t *m = (int32_t *)(void *)scratch, *sums = m + 8 * ROWS;
    int16_t *v = (int16_t *)(void *)(sums + 8 * ((y_c + 3) / 4 * 4));
    int8_t *border = (int8_t *)(v + 2 * ROWS * x_c);
    place at = {0, 0}, next = at;
    for (int32_t t = 0; t < tiles; t += 2) {
        tile_place to[2];
        tile_view view[2];
        for (int32_t b = 0; b < 2; b++) {
            if (t + b < tiles) at = next;  // without another tile this one is computed twice
            to[b] = find_tile(y, at, tile_columns, p);
            view[b] = see_tile(border + b * 16 * x_c, x, 2 * at.i - g->pad_h, 2 * at.j - g->pad_w, p);
            next = behind(at, tile_columns);
        }
        const int16_t *w = p->weights;
        for (int32_t r = 0; r < ROWS; r++) {
            for (int32_t b = 0; b < 2; b++) transform_row(v + 2 * b, &view[b], x_c, r);
            for (int32_t o = 0; o < y_c; o += 4, w += 4 * ROWS * x_c) {
                columns_dot_s16(m, v, w, x_c / 4, ROWS, 0);
                add_row(sums + 8 * o, m, r);
            }
        }
        for (int32_t b = 1; b >= 0; b--) {
            (pools ? finish_pooled : finish_tile)(&to[b], sums + 4 * b, p->output.channels, y_c);
            limit_s8(to[b].y, to[b].right + y_c, p->output.y_min, p->output.y_max);
            if (to[b].below) limit_s8(to[b].y + to[b].below, to[b].right + y_c, p->output.y_min, p->output.y_max);
        }
    }
}
