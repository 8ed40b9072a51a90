// Convolution of any geometry with the max pooling that follows it: two output pixels at a time, and for each pixel of
// their pooling windows the part of x it sees, side by side in 16 bits, times four filters at a time.
// Of a pooling window the largest bytes are kept, as requantizing never reverses an order.
// Each kernel includes it with the loops that read its weights; a model has one of the kernels, as a rule.
#pragma once
#include "column_pixels.h"
#include "gather.h"

// One row of a window, from column `left` of a row of x on, that reaches beyond x. Pixels are whole words.
__attribute__((noinline)) static int16_t *see_edge(
    int16_t *v, const int8_t *x, int32_t left, const conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t before = left < 0 ? -left : 0, end = left + g->k_w <= g->x_w ? g->k_w : g->x_w - left;
    const int32_t x_c = g->x_c, inside = end > before ? (end - before) * x_c : 0;
    const int32_t first = (before < g->k_w ? before : g->k_w) * x_c;
    v = widen_column(see_nothing(v, first / 4, p->x_zero_point), x + left * x_c + first, inside);
    return see_nothing(v, (g->k_w * x_c - first - inside) / 4, p->x_zero_point);
}

// The same of a dilated window, wherever it lies.
__attribute__((noinline)) static int16_t *see_apart(
    int16_t *v, const int8_t *x, int32_t left, const conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    for (int32_t b = 0, at = left; b < g->k_w; b++, at += g->dilation_w) {
        if (at < 0 || at >= g->x_w) v = see_nothing(v, g->x_c / 4, p->x_zero_point);
        else v = widen_column(v, x + at * g->x_c, g->x_c);
    }
    return v;
}

// One column of v: a window of pixels of whole words whose rows, from (top, left) on, may reach beyond x.
__attribute__((noinline)) static void see_border(
    int16_t *v, const int8_t *x, int32_t top, int32_t left, const conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t row = p->row_taps, x_row = g->x_w * g->x_c;
    const int inside = left >= 0 && left + g->k_w <= g->x_w;
    for (int32_t a = 0, at = top; a < g->k_h; a++, at += g->dilation_h) {
        if (at < 0 || at >= g->x_h) v = see_nothing(v, row / 4, p->x_zero_point);
        else if (g->dilation_w > 1) v = see_apart(v, x + at * x_row, left, p);
        else if (inside) v = widen_column(v, x + at * x_row + left * g->x_c, row);
        else v = see_edge(v, x + at * x_row, left, p);
    }
}

// How many bytes of x a row of a window spans.
INLINED int32_t span_bytes(const conv2d_packed_params *p) {
    const window_geometry *g = &p->window;
    return g->dilation_w > 1 ? ((g->k_w - 1) * g->dilation_w + 1) * g->x_c : p->row_taps;
}

// Where in x the window of output pixel `at` begins, if x holds all that is read of it; else NULL, as for dilated windows of
// pixels that are no whole words.
INLINED const int8_t *seen(
    const int8_t *x, place at, const conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t top = at.i * g->stride_h - g->pad_h, left = at.j * g->stride_w - g->pad_w;
    if (top < 0 || left < 0 || left + (g->k_w - 1) * g->dilation_w >= g->x_w) return NULL;
    if (g->dilation_w > 1 && g->x_c % 4 != 0) return NULL;
    const int32_t x_row = g->x_w * g->x_c, first = left * g->x_c, bottom = top + (g->k_h - 1) * g->dilation_h;
    return bottom + 1 < g->x_h || (bottom < g->x_h && first + span_bytes(p) <= x_row) ? x + top * x_row + first : NULL;
}

// The taps behind the whole words of rows that lie `below` bytes apart, `n` of each; t of a row are done, `left` in all.
typedef struct {
    const int8_t *x;
    int32_t right, below, n, t, left;
} rests;

// The next one, of one column, or of both, where the other one's lies `right` bytes from it. Returns how many are left.
INLINED int32_t see_rest(int16_t *v, rests *r, int32_t columns) {
    v[0] = r->x[0];
    if (columns == 2) v[2] = r->x[r->right];
    r->x++;
    if (++r->t == r->n) {
        r->t = 0;
        r->x += r->below - r->n;
    }
    return --r->left;
}

INLINED void see_rests(int16_t *v, rests r, int32_t columns) {
    for (;; v += 8) {
        if (!see_rest(v, &r, columns) || !see_rest(v + 4, &r, columns)) return;
        if (!see_rest(v + 1, &r, columns) || !see_rest(v + 5, &r, columns)) return;
    }
}

__attribute__((noinline)) static void see_one_rest(int16_t *v, const int8_t *x, int32_t below, int32_t rows, int32_t n) {
    see_rests(v, (rests){x, 0, below, n, 0, rows * n}, 1);
}

__attribute__((noinline)) static void see_both_rests(
    int16_t *v, const int8_t *x, int32_t right, int32_t below, int32_t rows, int32_t n
) {
    if (n == 1) see_rests(v, (rests){x, right, below, 1, 0, rows}, 2);
    else see_rests(v, (rests){x, right, below, n, 0, rows * n}, 2);
}

// One column of v: what output pixel `at` sees.
__attribute__((noinline)) static void see(
    int16_t *v, int8_t *window, const int8_t *x, place at, const conv2d_packed_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t top = at.i * g->stride_h - g->pad_h, left = at.j * g->stride_w - g->pad_w;
    const int32_t rest = p->row_taps % 4, words = p->row_taps - rest;
    int32_t below = g->dilation_h * g->x_w * g->x_c;
    const int8_t *from = seen(x, at, p);
    if (g->x_c % 4 == 0 && (from == NULL || g->dilation_w > 1)) {
        see_border(v, x, top, left, p);
        return;
    }
    if (from == NULL) {
        gather_s8(window, x, top, left, p->x_zero_point, g);
        from = window;
        below = g->k_w * g->x_c;
    }
    const int8_t *at_row = from;
    for (int32_t a = g->k_h; a > 0; a--, at_row += below) v = widen_column(v, at_row, words);
    if (rest > 0) see_one_rest(v, from + words, below, g->k_h, rest);
}

// Both columns of v of dilated windows, from where they begin in x, `right` bytes apart. Pixels are whole words.
__attribute__((noinline)) static void widen_apart(
    int16_t *v, const int8_t *from, int32_t right, int32_t below, const window_geometry *g
) {
    for (int32_t a = g->k_h; a > 0; a--, from += below) {
        v = columns_widen_s8(v, from, right, g->dilation_w * g->x_c, g->k_w, g->x_c / 4, 0);
    }
}

// Both columns of v from where they begin in x, `right` bytes apart.
INLINED void widen_both(
    int16_t *v, const int8_t *from, int32_t right, int32_t below, const conv2d_packed_params *p
) {
    const int32_t rows = p->window.k_h, words = p->row_taps / 4, rest = p->row_taps % 4;
    v = columns_widen_s8(v, from, right, below, rows, words, 0);
    if (rest > 0) see_both_rests(v, from + 4 * words, right, below, rows, rest);
}

// Both columns of v: what two output pixels of the convolution see.
__attribute__((noinline)) static void see_both(
    int16_t *v, int8_t *window, const int8_t *x, place at, place at_right, const conv2d_packed_params *p
) {
    const int8_t *from = seen(x, at, p), *right = seen(x, at_right, p);
    if (from == NULL || right == NULL) {
        see(v, window, x, at, p);
        see(v + 2, window, x, at_right, p);
        return;
    }
    const int32_t below = p->window.dilation_h * p->window.x_w * p->window.x_c;
    if (p->window.dilation_w > 1) widen_apart(v, from, (int32_t)(right - from), below, &p->window);
    else widen_both(v, from, (int32_t)(right - from), below, p);
}

// Every output pixel sees one pixel of x, in the same order: no geometry.
INLINED void pointwise(
    int8_t *y, const int8_t *x, int8_t *few, const conv2d_packed_params *p, const column_loops *loops
) {
    const int32_t x_c = p->window.x_c, y_c = p->window.y_c, quads = (x_c + 3) / 4, rest = x_c % 4;
    const int32_t pixels = p->window.y_h * p->window.y_w;
    int16_t *v = (int16_t *)(void *)(few + 8);
    for (int8_t *at = y, *const end = y + pixels * y_c; at != end;) {
        const int32_t step = at + y_c != end;  // without another pixel this one is computed twice
        int16_t *to = columns_widen_s8(v, x, step * x_c, 0, 1, x_c / 4, 0);
        if (rest > 0) see_both_rests(to, x + x_c - rest, step * x_c, 0, 1, rest);
        finish_pixels(at, at + step * y_c, few, v, quads, p, loops);
        at += (1 + step) * y_c;
        x += 2 * x_c;
    }
    limit_s8(y, pixels * y_c, p->output.y_min, p->output.y_max);
}

// Two pixels at a time, `right` bytes apart in x, from one whose window lies inside on. Returns what follows in y.
__attribute__((noinline)) static int8_t *pairs_inside(
    int8_t *y, const int8_t *from, int32_t right, int32_t pairs, int8_t *few, int32_t quads, const conv2d_packed_params *p,
    const column_loops *loops
) {
    const int32_t below = p->window.dilation_h * p->window.x_w * p->window.x_c, y_c = p->window.y_c;
    int16_t *v = (int16_t *)(void *)(few + 8);
    for (; pairs > 0; pairs--, from += 2 * right, y += 2 * y_c) {
        widen_both(v, from, right, below, p);
        finish_pixels(y, y + y_c, few, v, quads, p, loops);
    }
    return y;
}

// Every output pixel is one of y: no pooling. Where those of a row see x alone, pairs of them follow each other.
INLINED void unpooled(
    int8_t *y, const int8_t *x, int8_t *few, int32_t quads, const conv2d_packed_params *p, const column_loops *loops
) {
    const window_geometry *g = &p->window;
    const int32_t y_c = g->y_c, most = g->dilation_w > 1 ? -1 : g->x_w * g->x_c - p->row_taps;
    const int32_t last = most < 0 ? -1 : (most / g->x_c + g->pad_w) / g->stride_w;  // column that sees x's row alone
    const int32_t inside = last < g->y_w ? last : g->y_w - 1;
    int16_t *v = (int16_t *)(void *)(few + 8);
    int8_t *window = (int8_t *)(v + 8 * quads), *const end = y + g->y_h * g->y_w * y_c;
    for (place at = {0, 0}; y != end;) {
        const int8_t *from = at.j < inside ? seen(x, at, p) : NULL;
        if (from != NULL) {
            const int32_t pairs = (inside + 1 - at.j) / 2;
            y = pairs_inside(y, from, g->stride_w * g->x_c, pairs, few, quads, p, loops);
            at = behind((place){at.i, at.j + 2 * pairs - 1}, g->y_w);
            continue;
        }
        const int32_t two = y + y_c != end;  // without another pixel this one is computed twice
        const place right = two ? behind(at, g->y_w) : at;
        see_both(v, window, x, at, right, p);
        finish_pixels(y, y + two * y_c, few, v, quads, p, loops);
        y += (1 + two) * y_c;
        at = behind(right, g->y_w);
    }
}

// The largest bytes of each pooling window, of two side by side.
INLINED void pooled_two(
    int8_t *y, const int8_t *x, int8_t *few, int32_t quads, const conv2d_packed_params *p, const column_loops *loops
) {
    const window_geometry *pool = &p->pool;
    const int32_t y_c = pool->y_c;
    int8_t *const end = y + pool->y_h * pool->y_w * y_c;
    int16_t *v = (int16_t *)(void *)(few + 8);
    int8_t *const other = (int8_t *)(v + 8 * quads), *const other_right = other + y_c, *window = other_right + y_c;
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
                see_both(v, window, x, pooled(at, a, b, pool), pooled(at_right, a, b, pool), p);
                finish_pixels(first ? y : other, first ? right : other_right, few, v, quads, p, loops);
                if (first) continue;
                raise_bytes(y, other, y_c);
                raise_bytes(right, other_right, y_c);
            }
        }
        y = right + y_c;
    }
}

INLINED void conv2d_columns(
    int8_t *y, const int8_t *x, int8_t *scratch, const conv2d_packed_params *p, const column_loops *loops
) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t quads = (g->k_h * p->row_taps + 3) / 4;
    if (pool->k_h > 1 || pool->k_w > 1) {
        pooled_two(y, x, scratch, quads, p, loops);
    } else if (p->row_taps == g->x_c && g->k_h == 1 && g->y_w == g->x_w && g->y_h == g->x_h) {
        pointwise(y, x, scratch, p, loops);
        return;
    } else {
        unpooled(y, x, scratch, quads, p, loops);
    }
    limit_s8(y, pool->y_h * pool->y_w * pool->y_c, p->output.y_min, p->output.y_max);
}
