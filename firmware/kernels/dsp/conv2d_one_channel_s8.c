// Convolution of one channel with windows of up to 3 x 3, and the 2 x 2 max pooling that may follow it.
#include "one_channel.h"

static int is_inside(int32_t first, int32_t span, int32_t size) { return first >= 0 && first + span <= size; }

// Four pixels of a row, those outside the image the zero point.
static uint32_t word_at_border(const int8_t *x, int32_t i, int32_t j, const conv2d_one_channel_params *p) {
    const int32_t x_h = p->window.x_h, x_w = p->window.x_w;
    int8_t pixels[4];
    for (int32_t k = 0; k < 4; k++, j++) {
        pixels[k] = (int8_t)(is_inside(i, 1, x_h) && is_inside(j, 1, x_w) ? x[i * x_w + j] : p->x_zero_point);
    }
    return load_word(pixels);
}

INLINED void put_four(uint32_t *row, uint32_t word) {
    row[0] = even_bytes(word);
    row[1] = odd_bytes(word);
}

// The 4 x 4 pixels from (top, left).
static void see_four(
    four_windows *windows, const int8_t *x, int32_t top, int32_t left, const conv2d_one_channel_params *p
) {
    const int32_t x_w = p->window.x_w;
    if (is_inside(top, 4, p->window.x_h) && is_inside(left, 4, x_w)) {
        const int8_t *first = x + top * x_w + left;
        put_four(windows->rows[0], load_word(first));
        put_four(windows->rows[1], load_word(first + x_w));
        put_four(windows->rows[2], load_word(first + 2 * x_w));
        put_four(windows->rows[3], load_word(first + 3 * x_w));
    } else {
        for (int32_t a = 0; a < 4; a++) put_four(windows->rows[a], word_at_border(x, top + a, left, p));
    }
}

static void squares(int8_t *y, const int8_t *x, const conv2d_one_channel_params *p) {
    const window_geometry *g = &p->window, *pool = &p->pool;
    const int32_t *const end = p->channels + ONE_CHANNEL_WORDS * g->y_c;
    const int32_t y_w = pool->y_w, y_c = pool->y_c, y_row = y_w * y_c, pools = pool->k_h > 1;
    const int32_t step = pools ? 1 : 2;  // of y, from one square of four outputs to the next
    four_windows windows;
    for (int32_t i = 0; i < pool->y_h; i += step) {
        const int32_t below = i + 1 < pool->y_h ? y_row : 0;
        int8_t *next = y + i * y_row;
        for (int32_t j = 0; j < y_w; j += step, next += step * y_c) {
            see_four(&windows, x, i * pool->stride_h - g->pad_h, j * pool->stride_w - g->pad_w, p);
            if (pools) one_channel_pooled_s8(next, &windows, p->channels, end);
            else one_channel_four_s8(next, &windows, p->channels, end, j + 1 < y_w ? y_c : 0, below);
        }
    }
}

INLINED void put_two(uint32_t *row, uint32_t left, uint32_t right) {
    row[0] = even_bytes(left);
    row[1] = even_bytes(right);
    row[2] = low_halves(odd_bytes(left), odd_bytes(right));
}

// Of three rows four pixels each for both windows, the left one from (top, left).
static void see_two(
    two_windows *windows, const int8_t *x, int32_t top, int32_t left, const conv2d_one_channel_params *p
) {
    const int32_t x_w = p->window.x_w, step = p->window.stride_w;
    if (is_inside(top, 3, p->window.x_h) && is_inside(left, step + 4, x_w)) {
        const int8_t *first = x + top * x_w + left;
        put_two(windows->rows[0], load_word(first), load_word(first + step));
        first += x_w;
        put_two(windows->rows[1], load_word(first), load_word(first + step));
        first += x_w;
        put_two(windows->rows[2], load_word(first), load_word(first + step));
    } else {
        for (int32_t a = 0; a < 3; a++) {
            const uint32_t first = word_at_border(x, top + a, left, p);
            put_two(windows->rows[a], first, word_at_border(x, top + a, left + step, p));
        }
    }
}

static void rows(int8_t *y, const int8_t *x, const conv2d_one_channel_params *p) {
    const window_geometry *g = &p->window;
    const int32_t *const end = p->channels + ONE_CHANNEL_WORDS * g->y_c;
    two_windows windows;
    for (int32_t i = 0; i < g->y_h; i++) {
        for (int32_t j = 0; j < g->y_w; j += 2) {
            const int32_t right = j + 1 < g->y_w ? g->y_c : 0;
            see_two(&windows, x, i * g->stride_h - g->pad_h, j * g->stride_w - g->pad_w, p);
            one_channel_two_s8(y, &windows, p->channels, end, right);
            y += g->y_c + right;
        }
    }
}

void conv2d_one_channel_s8(int8_t *y, const int8_t *x, const conv2d_one_channel_params *p) {
    if (p->window.stride_h == 1 && p->window.stride_w == 1) squares(y, x, p);
    else rows(y, x, p);
    limit_s8(y, p->pool.y_h * p->pool.y_w * p->pool.y_c, p->y_min, p->y_max);
}
