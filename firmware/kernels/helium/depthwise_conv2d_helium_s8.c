// Depthwise convolution, eight channels at a time; the products of two taps are added in 16 bits, and those sums in 32.
#include "view.h"

#ifdef VECTORS
typedef struct {
    int32x4_t even, odd;  // channels 0, 2, 4, 6 and 1, 3, 5, 7
} eight;

INLINED eight add_eight(eight sums, int16x8_t more) {
    return (eight){vaddq_s32(sums.even, vmovlbq_s16(more)), vaddq_s32(sums.odd, vmovltq_s16(more))};
}

INLINED int16x8_t products(const int8_t *x, const int8_t *w) { return vmulq_s16(vldrbq_s16(x), vldrbq_s16(w)); }

// y (8,)    x: the first of eight channels at the first tap; steps in bytes
INLINED void eight_channels(
    int8_t *y, const int8_t *x, int32_t step, int32_t row_step, const int8_t *w, const int32_t *table, int32_t k_w,
    const depthwise_conv2d_helium_params *p
) {
    eight sums = {vldrwq_s32(table), vldrwq_s32(table + 16)};
    for (int32_t a = p->window.k_h; a > 0; a--, x += row_step) {
        const int8_t *seen = x;
        for (int32_t b = k_w; b > 1; b -= 2, seen += 2 * step, w += 16) {
            sums = add_eight(sums, vaddq_s16(products(seen, w), products(seen + step, w + 8)));
        }
        if (k_w % 2 != 0) {
            sums = add_eight(sums, products(seen, w));
            w += 8;
        }
    }
    int16x8_t bytes = vreinterpretq_s16_s32(bytes_of_four(sums.even, table, &p->output));
    vstrbq_s16(y, vmovntq_s32(bytes, bytes_of_four(sums.odd, table + 16, &p->output)));
}
#else
INLINED void eight_channels(
    int8_t *y, const int8_t *x, int32_t step, int32_t row_step, const int8_t *w, const int32_t *table, int32_t k_w,
    const depthwise_conv2d_helium_params *p
) {
    int32_t sums[8];
    for (int32_t c = 0; c < 8; c++) sums[c] = table[16 * (c % 2) + c / 2];
    for (int32_t a = 0; a < p->window.k_h; a++) {
        for (int32_t b = 0; b < k_w; b++, w += 8) {
            for (int32_t c = 0; c < 8; c++) sums[c] += x[a * row_step + b * step + c] * w[c];
        }
    }
    int8_t bytes[8];
    finish_four(bytes, (four){{sums[0], sums[2], sums[4], sums[6]}}, table, 4, &p->output);
    finish_four(bytes + 4, (four){{sums[1], sums[3], sums[5], sums[7]}}, table + 16, 4, &p->output);
    for (int32_t c = 0; c < 8; c++) y[c] = bytes[4 * (c % 2) + c / 2];
}
#endif

// All channels of one output pixel: eight by eight, the last ones with some of those before them again.
INLINED void all_channels(
    int8_t *y, const int8_t *x, int32_t step, int32_t row_step, int32_t k_w, const depthwise_conv2d_helium_params *p
) {
    const int32_t last = p->window.x_c - 8, octet = 8 * p->window.k_h * k_w;
    const int32_t *table = p->output.channels;
    const int8_t *w = p->weights;
    for (int32_t c = 0; c < last; c += 8, table += 32, w += octet) {
        eight_channels(y + c, x + c, step, row_step, w, table, k_w, p);
    }
    eight_channels(y + last, x + last, step, row_step, w, table, k_w, p);
}

static __attribute__((noinline)) void three_columns(
    int8_t *y, const int8_t *x, int32_t step, int32_t row_step, const depthwise_conv2d_helium_params *p
) {
    all_channels(y, x, step, row_step, 3, p);
}

static __attribute__((noinline)) void any_columns(
    int8_t *y, const int8_t *x, int32_t step, int32_t row_step, const depthwise_conv2d_helium_params *p
) {
    all_channels(y, x, step, row_step, p->window.k_w, p);
}

void depthwise_conv2d_helium_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_helium_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c;
    for (int32_t i = 0, top = -g->pad_h; i < g->y_h; i++, top += g->stride_h) {
        for (int32_t j = 0, left = -g->pad_w; j < g->y_w; j++, left += g->stride_w, y += x_c) {
            const int8_t *seen = x + (top * g->x_w + left) * x_c;
            int32_t step = g->dilation_w * x_c, row_step = g->dilation_h * g->x_w * x_c;
            if (!sees_inside(top, left, g)) {
                lay_window(scratch, x, top, left, p->x_zero_point, g);
                seen = scratch;
                step = x_c;
                row_step = g->k_w * x_c;
            }
            (g->k_w == 3 ? three_columns : any_columns)(y, seen, step, row_step, p);
        }
    }
}
