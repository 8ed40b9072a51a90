// Depthwise convolution of any geometry: four channels at a time are laid out as planes of pairs, and the loop that suits
// the window makes rows of the output of them.
#include "depthwise.h"

// The first of the four channels laid out for c: the last ones of x, if fewer are left, and then some of them again.
static int32_t first_laid(int32_t c, const window_geometry *g) {
    const int32_t last = g->x_c > QUAD ? g->x_c - QUAD : 0;
    return c < last ? c : last;
}

static inline int32_t between(int32_t value, int32_t least, int32_t most) {
    return value < least ? least : value > most ? most : value;
}

// A part of a row of pairs: `columns` pixels, `step` bytes apart.
typedef struct {
    uint32_t *plane;
    int32_t size;     // bytes from one plane to the next
    int32_t columns, step, channels;
    uint32_t nothing;  // what lies outside x as a pair
} row_part;

// Pairs of which one half or both lie outside; inside is the row that does not, or NULL.
static __attribute__((noinline)) void border_pairs(const row_part *row, const int8_t *inside, int32_t is_above) {
    const int32_t size = row->size / 4;
    const uint32_t nothing = row->nothing;
    for (uint32_t *to = row->plane, *end = to + row->columns; to != end; to++) {
        if (!inside) {
            for (int32_t c = 0; c < QUAD; c++) to[c * size] = nothing;
            continue;
        }
        lay_half(to, size, inside, is_above, nothing);
        inside += row->step;
    }
}

// Pairs of pixels with fewer than four channels; NULL: no such row.
static __attribute__((noinline)) void few_pairs(const row_part *row, const int8_t *above, const int8_t *below) {
    for (int32_t j = 0; j < row->columns; j++) {
        for (int32_t c = 0; c < row->channels; c++) {
            const int32_t upper = above ? above[j * row->step + c] : (int32_t)row->nothing;
            const int32_t lower = below ? below[j * row->step + c] : (int32_t)row->nothing;
            row->plane[c * (row->size / 4) + j] = low_halves((uint32_t)upper, (uint32_t)lower);
        }
    }
}

// Rows [k, pairs) of the planes: row i + n * pair_step of x and the one `dilation_h` below it. column: of x, the first.
static __attribute__((noinline)) void lay_rows(
    row_part row, const int8_t *x, int32_t i, int32_t k, int32_t pairs, const depthwise_conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t x_row = p->x_row;
    while (k < pairs) {
        const int8_t *above = i >= 0 && i < g->x_h ? x + i * x_row : NULL;
        const int32_t j = i + g->dilation_h;
        const int8_t *below = j >= 0 && j < g->x_h ? x + j * x_row : NULL;
        int32_t rows = 1;
        if (row.channels < QUAD) {
            few_pairs(&row, above, below);
        } else if (above && below) {
            rows = between((g->x_h - 1 - j) / p->pair_step + 1, 1, pairs - k);
            depthwise_pairs_s8(
                row.plane, row.size, above, g->dilation_h * x_row, row.step, row.columns,
                p->pair_step * x_row - row.columns * row.step, 4 * (p->row_words - row.columns), rows
            );
        } else {
            border_pairs(&row, above ? above : below, above != NULL);
        }
        k += rows;
        i += rows * p->pair_step;
        row.plane += rows * p->row_words;
    }
}

// Rows k >= kept of the planes: row top + k * pair_step of x and the one `dilation_h` below it: first its columns 0, phases,
// 2 * phases..., then those from column 1 on... What lies to the left and right of x is left as it is.
// plane (QUAD, `size` bytes), each (pairs, row_words)
static __attribute__((noinline)) void lay_out_rows(
    uint32_t *plane, int32_t size, const int8_t *x, int32_t top, int32_t kept, int32_t pairs,
    const depthwise_conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t phases = p->phases, length = p->row_words / phases;
    for (int32_t phase = 0; phase < phases; phase++) {
        const int32_t missing = g->pad_w - phase;  // columns to the left of x
        const int32_t left = between((missing + phases - 1) / phases, 0, length);
        const int32_t right = between((g->x_w + missing + phases - 1) / phases, left, length);
        if (left == right) continue;
        const row_part row = {
            plane + kept * p->row_words + phase * length + left, size, right - left, phases * p->x_step,
            g->x_c < QUAD ? g->x_c : QUAD,
            low_halves((uint32_t)p->x_zero_point, (uint32_t)p->x_zero_point),
        };
        lay_rows(row, x + (left * phases - missing) * p->x_step, top + kept * p->pair_step, kept, pairs, p);
    }
}

// How many rows of pairs so many rows of the output see.
static int32_t pairs_of(int32_t rows, const depthwise_conv2d_packed_params *p) {
    return (p->alternates ? (rows - 1) / 2 : (rows - 1) * p->window.stride_h / p->pair_step) + p->pairs;
}

// One channel of some rows of the output, by the loop for any window.
static void window_rows(
    int8_t *y, const uint32_t *x, const int32_t *channel, int32_t rows, const depthwise_conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t to = p->y_step, last = (g->y_w - 1) * to, *runs = p->channels + (p->words + 4) * g->y_c;
    depthwise_window row = {
        {between(to, 0, last), between(2 * to, 0, last), between(3 * to, 0, last)},
        g->y_w, runs, runs + 2 * p->run_count, (const uint32_t *)channel, channel + p->words,
    };
    const int32_t step = p->alternates ? p->row_words : g->stride_h / p->pair_step * p->row_words;
    for (int32_t i = 0; i < rows; i++, y += p->y_row) {
        const int32_t odd = p->alternates ? i % 2 : 0;
        row.weights = (const uint32_t *)channel + odd * (p->words / 2);
        depthwise_window_s8(y, x + (p->alternates ? i / 2 : i) * step, &row);
    }
}

// The planes go on to the rows below: those that both bands see move up.
static void move_up(uint32_t *plane, int32_t words, int32_t kept, const depthwise_conv2d_packed_params *p) {
    const int32_t moved = kept * p->row_words, distance = p->moves * p->row_words;
    for (int32_t c = 0; c < QUAD && moved > 0; c++, plane += words) {
        uint32_t *to = plane, *end = plane + moved;
        for (; end - to >= 4; to += 4) *(four_words *)(void *)to = *(const four_words *)(const void *)(to + distance);
        for (; to != end; to++) *to = to[distance];
    }
}

// From four channels in the planes to all that they become in some rows of the output.
static void finish_rows(
    int8_t *y, const uint32_t *plane, int32_t words, int32_t c, int32_t rows, const depthwise_conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t each = g->y_c / g->x_c, first = first_laid(c, g);
    const depthwise_rows asked = {4 * p->row_words, p->y_step, p->y_row, rows, g->y_w};
    for (int32_t o = c * each; o < g->y_c && o < (c + QUAD) * each; o++) {
        const int32_t *channel = p->channels + (p->words + 4) * o;
        const uint32_t *from = plane + (o / each - first) * words;
        if (p->run_count > 0) window_rows(y + o, from, channel, rows, p);
        else if (p->alternates) depthwise_3x3_s8(y + o, from, channel, &asked);
        else depthwise_3x3_stride_2_s8(y + o, from, channel, &asked);
    }
}

// The whole of an image without dilation.
static void whole_map(int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_packed_params *p) {
    const window_geometry *g = &p->window;
    const int32_t in_place = p->moves > 0;
    const int32_t pairs = pairs_of(p->rows, p), words = pairs * p->row_words;  // of a plane
    const int32_t kept = in_place && pairs > p->moves ? pairs - p->moves : 0;
    const int32_t bands = (g->y_h + p->rows - 1) / p->rows, quads = (g->x_c + QUAD - 1) / QUAD;
    const uint32_t nothing = low_halves((uint32_t)p->x_zero_point, (uint32_t)p->x_zero_point);
    uint32_t *plane = (uint32_t *)(void *)scratch;
    lay_nothing(plane, words, nothing);
    for (int32_t n = 0; n < bands * quads; n++) {  // band by band for each four channels, or the other way round
        const int32_t c = QUAD * (in_place ? n / bands : n % quads), i = p->rows * (in_place ? n % bands : n / quads);
        const int32_t rows = g->y_h - i < p->rows ? g->y_h - i : p->rows, known = i > 0 ? kept : 0;
        move_up(plane, words, known, p);
        lay_out_rows(plane, 4 * words, x + first_laid(c, g), i * g->stride_h - g->pad_h, known, pairs_of(rows, p), p);
        finish_rows(y + i * p->y_row, plane, words, c, rows, p);
    }
}

// The sizes of map k of `maps` in one dimension, where each begins a pixel further on in y. Returns which pixel of x it has first.
static int32_t narrow_down(uint16_t *x, uint16_t *y, uint16_t *pad, int32_t k, int32_t maps) {
    const int32_t before = *pad - k, first = (maps - before % maps) % maps;
    *pad = (uint16_t)((before + first) / maps);
    *x = (uint16_t)((*x - first + maps - 1) / maps);
    *y = (uint16_t)((*y - k + maps - 1) / maps);
    return first;
}

void depthwise_conv2d_packed_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_packed_params *p
) {
    const int32_t maps_h = p->maps_h, maps_w = p->maps_w;
    for (int32_t k = 0; k < maps_h * maps_w; k++) {
        if (maps_h * maps_w == 1) {
            whole_map(y, x, scratch, p);
            break;
        }
        const int32_t i = k / maps_w, j = k % maps_w;
        depthwise_conv2d_packed_params map = *p;
        window_geometry *g = &map.window;
        const int32_t top = narrow_down(&g->x_h, &g->y_h, &g->pad_h, i, maps_h);
        const int32_t left = narrow_down(&g->x_w, &g->y_w, &g->pad_w, j, maps_w);
        if (maps_h > 1) g->dilation_h = 1;
        if (maps_w > 1) g->dilation_w = 1;
        if (g->y_h == 0 || g->y_w == 0) continue;
        whole_map(
            y + i * (p->y_row / maps_h) + j * (p->y_step / maps_w),
            x + top * (p->x_row / maps_h) + left * (p->x_step / maps_w), scratch, &map
        );
    }
    limit_s8(y, p->window.y_h * p->window.y_w * p->window.y_c, p->y_min, p->y_max);
}
