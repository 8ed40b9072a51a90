// 3 x 3 convolution after Winograd's F(4x4, 3x3) (Lavin and Gray, arXiv:1509.09308, section 4.2) in whole numbers: the 16
// sums of a 4 x 4 tile of the output come out of 36 products for each channel instead of 144, those of the 6 x 6 pixels
// they see and of the filter, both transformed. Filters are transformed at export without the fractions of the paper;
// what is left of them makes every sum here 9 * 2^k times the convolution's, and dividing that is exact.
// Arithmetic is modulo 2^32: what overflows on the way comes back, as the results fit. Two tiles at a time.
#include "columns.h"
#include "gather.h"
#include "packed.h"

enum { SIDE = 6, POSITIONS = SIDE * SIDE, TILE = 4 };
static const uint32_t ONE_NINTH = 0x38E38E39u;  // times 9 is 1 modulo 2^32

// Six pairs or sums side by side: the compiler keeps members in registers, and elements of an array in memory.
typedef struct {
    uint32_t a, b, c, d, e, f;
} line_6;

// A line of pairs times B^T, (4 0 -5 0 1 0; 0 -4 -4 1 1 0; 0 4 -4 -1 1 0; 0 -2 -1 2 1 0; 0 2 -1 -2 1 0; 0 4 0 -5 0 1).
// No result of both passes exceeds 100 * 128, so 16 bits hold it and one instruction transforms two channels.
INLINED line_6 transform_line(const line_6 d) {
    line_6 y;
    const uint32_t two_b = add_lanes(d.b, d.b), two_c = add_lanes(d.c, d.c);
    const uint32_t p = subtract_lanes(d.e, add_lanes(two_c, two_c)), q = subtract_lanes(d.d, add_lanes(two_b, two_b));
    y.b = add_lanes(p, q);
    y.c = subtract_lanes(p, q);
    const uint32_t r = subtract_lanes(d.d, d.b), two_r = add_lanes(r, r), s = subtract_lanes(d.e, d.c);
    y.d = add_lanes(s, two_r);
    y.e = subtract_lanes(s, two_r);
    const uint32_t t = subtract_lanes(d.a, d.c), two_t = add_lanes(t, t);
    y.a = add_lanes(s, add_lanes(two_t, two_t));
    y.f = subtract_lanes(subtract_lanes(d.f, d.d), add_lanes(two_r, two_r));
    return y;
}

// Two channels of 6 x 6 pixels, whose rows are `row` bytes apart, in one column of v (36, quads, 2, 2, 2); x_c = 4 * quads
INLINED void transform_pairs4(
    int16_t *v, const int8_t *x, int32_t row, int32_t x_c, int odd
) {
    uint32_t lines[POSITIONS];
    for (uint32_t *to = lines; to != lines + SIDE; to++, x += x_c) {
        const int8_t *at = x;
        line_6 d;
        d.a = load_lanes(at, odd);
        d.b = load_lanes(at += row, odd);
        d.c = load_lanes(at += row, odd);
        d.d = load_lanes(at += row, odd);
        d.e = load_lanes(at += row, odd);
        d.f = load_lanes(at += row, odd);
        const line_6 y = transform_line(d);
        to[0] = y.a;
        to[SIDE] = y.b;
        to[2 * SIDE] = y.c;
        to[3 * SIDE] = y.d;
        to[4 * SIDE] = y.e;
        to[5 * SIDE] = y.f;
    }
    const int32_t step = 2 * x_c;
    for (const uint32_t *from = lines; from != lines + POSITIONS; from += SIDE, v += step) {
        const line_6 y = transform_line((line_6){from[0], from[1], from[2], from[3], from[4], from[5]});
        store_lanes(v, y.a);
        store_lanes(v += step, y.b);
        store_lanes(v += step, y.c);
        store_lanes(v += step, y.d);
        store_lanes(v += step, y.e);
        store_lanes(v += step, y.f);
    }
}

static __attribute__((noinline)) void transform_even(int16_t *v, const int8_t *x, int32_t row, int32_t x_c) {
    transform_pairs4(v, x, row, x_c, 0);
}

static __attribute__((noinline)) void transform_odd(int16_t *v, const int8_t *x, int32_t row, int32_t x_c) {
    transform_pairs4(v, x, row, x_c, 1);
}

typedef struct {
    uint32_t a, b, c, d;
} line_4;

// A line of sums times A^T with the fractions of the filter's transform: 24, 12, 6 and 6 times
// (1 1 1 1 1 0; 0 1 -1 2 -2 0; 0 1 1 4 4 0; 0 1 -1 8 -8 1) (1/4 a, 1/6 b, 1/6 c, 1/24 d, 1/24 e, f).
INLINED line_4 gather_line(const line_6 m) {
    const uint32_t p = m.b + m.c, q = m.b - m.c, r = m.d + m.e, s = m.d - m.e;
    return (line_4){6 * m.a + 4 * p + r, 2 * q + s, p + r, q + 2 * s + 6 * m.f};
}

// Where a tile goes in y: its first pixel, how many rows of it there are, and how far behind the first pixel of a row
// the others are, 0 for those beyond the edge.
typedef struct {
    int8_t *y;
    int32_t rows;
    int32_t second, third, fourth;
} tile4_place;

// A sum as a byte, from 9 * 2^(power + 1) times it modulo 2^32: dividing by 9 is exact, and the shift leaves it doubled.
INLINED int8_t tile4_byte(uint32_t multiple, int32_t power, const packed_scale *scale) {
    return (int8_t)packed_value((int32_t)(multiple * ONE_NINTH) >> power, scale);
}

// One channel of a tile.    m (36, 8): every eighth number
static __attribute__((noinline)) void finish_tile4(
    const tile4_place *to, int32_t o, const uint32_t *m, const int32_t *channel, int32_t y_row
) {
    const packed_scale scale = packed_channel(channel);
    uint32_t lines[TILE * SIDE];
    for (uint32_t *line = lines; line != lines + SIDE; line++, m += 8) {
        const line_4 sums = gather_line((line_6){m[0], m[48], m[96], m[144], m[192], m[240]});
        line[0] = sums.a;
        line[SIDE] = 2 * sums.b;  // all of them 24 times
        line[2 * SIDE] = 4 * sums.c;
        line[3 * SIDE] = 4 * sums.d;
    }
    const int32_t second = to->second, third = to->third, fourth = to->fourth;
    int8_t *y = to->y + o;
    for (const uint32_t *line = lines; line != lines + SIDE * to->rows; line += SIDE, y += y_row) {
        const line_4 sums = gather_line((line_6){line[0], line[1], line[2], line[3], line[4], line[5]});
        y[fourth] = tile4_byte(sums.d, 3, &scale);  // first the pixels that may not exist and then lie where others do
        y[third] = tile4_byte(sums.c, 3, &scale);
        y[second] = tile4_byte(sums.b, 4, &scale);
        *y = tile4_byte(sums.a, 5, &scale);
    }
}

// One column of v: what the tile at (top, left) of x sees, transformed.
static void transform_tile4(
    int16_t *v, int8_t *border, const int8_t *x, int32_t top, int32_t left, const conv2d_winograd_params *p
) {
    const window_geometry *g = &p->window;
    int32_t row = g->x_w * g->x_c;
    const int8_t *first = x + top * row + left * g->x_c;
    if (top < 0 || left < 0 || top + SIDE > g->x_h || left + SIDE > g->x_w) {
        window_geometry seen = *g;
        seen.k_h = seen.k_w = SIDE;
        gather_s8(border, x, top, left, p->x_zero_point, &seen);
        first = border;
        row = SIDE * g->x_c;
    }
    for (int32_t c = 0; c < g->x_c; c += 4, v += 8) {
        transform_even(v, first + c, row, g->x_c);
        transform_odd(v + 4, first + c, row, g->x_c);
    }
}

static tile4_place find_tile4(int8_t *y, place at, const window_geometry *g) {
    const int32_t i = TILE * at.i, j = TILE * at.j, y_c = g->y_c, rows = g->y_h - i, columns = g->y_w - j;
    return (tile4_place){
        .y = y + (i * g->y_w + j) * y_c,
        .rows = rows < TILE ? rows : TILE,
        .second = columns > 1 ? y_c : 0,
        .third = columns > 2 ? 2 * y_c : 0,
        .fourth = columns > 3 ? 3 * y_c : 0,
    };
}

void conv2d_winograd4_s8(int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_winograd_params *p) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, y_c = g->y_c, y_row = g->y_w * y_c, columns = (g->y_w + TILE - 1) / TILE;
    const int32_t tiles = columns * ((g->y_h + TILE - 1) / TILE);
    int32_t *m = (int32_t *)(void *)scratch;
    int16_t *v = (int16_t *)(void *)(m + 8 * POSITIONS);
    int8_t *border = (int8_t *)(v + 2 * POSITIONS * x_c);
    place at = {0, 0}, next = at;
    for (int32_t t = 0; t < tiles; t += 2) {
        tile4_place to[2];
        for (int32_t b = 0; b < 2; b++) {
            if (t + b < tiles) at = next;  // without another tile this one is computed twice
            to[b] = find_tile4(y, at, g);
            transform_tile4(v + 2 * b, border, x, TILE * at.i - g->pad_h, TILE * at.j - g->pad_w, p);
            next = behind(at, columns);
        }
        const int16_t *w = p->weights;
        for (int32_t o = 0; o < y_c; o += 4, w += 4 * POSITIONS * x_c) {
            columns_dot_s16(m, v, w, x_c / 4, POSITIONS, 0);
            for (int32_t k = 0; k < 8 && o + k / 2 < y_c; k++) {
                const int32_t channel = o + k / 2;
                finish_tile4(&to[k % 2], channel, (const uint32_t *)m + k, p->output.channels + 4 * channel, y_row);
            }
        }
        for (int32_t b = 0; b < 2; b++) {
            const tile4_place *tile = &to[b];
            const int32_t right = tile->fourth ? tile->fourth : tile->third ? tile->third : tile->second;
            for (int32_t i = 0; i < tile->rows; i++) {
                limit_s8(tile->y + i * y_row, right + y_c, p->output.y_min, p->output.y_max);
            }
        }
    }
}
