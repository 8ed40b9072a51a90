// Depthwise convolution of any geometry, pixel by pixel: where the taps of a window lie is found once for all windows inside
// the image, and for each one at its border.
#include <string.h>

#include "depthwise.h"

// offsets (2 * pairs,): bytes from the corner (top, left) of a window to its taps, `outside` for those outside the image; a
// last one without another has no weight.
static void locate_window(int32_t *offsets, int32_t outside, int32_t top, int32_t left, const window_geometry *g) {
    const int32_t across = g->dilation_w * g->x_c, down = g->dilation_h * g->x_w * g->x_c;
    for (int32_t a = 0, i = top, row = 0; a < g->k_h; a++, i += g->dilation_h, row += down) {
        const int32_t inside = i >= 0 && i < g->x_h;
        for (int32_t b = 0, j = left, at = row; b < g->k_w; b++, j += g->dilation_w, at += across) {
            *offsets++ = inside && j >= 0 && j < g->x_w ? at : outside;
        }
    }
    if (g->k_h * g->k_w % 2 != 0) *offsets = offsets[-1];
}

// All that some pixels side by side become.
static void some_pixels(
    int8_t *y, const int8_t *x, depthwise_taps *taps, int32_t pixels, const depthwise_conv2d_taps_params *p
) {
    const int32_t *table = p->channels;
    taps->pixels = pixels;
    for (int32_t k = 0; k < taps->step; k++, table += (taps->channels + 3) / 4 * (16 + 4 * p->pairs)) {
        depthwise_taps_s8(y + k, x, table, taps);
    }
}

void depthwise_conv2d_taps_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_taps_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t span_h = (g->k_h - 1) * g->dilation_h + 1, span_w = (g->k_w - 1) * g->dilation_w + 1;
    int32_t *inside = (int32_t *)(void *)scratch, *border = inside + 2 * p->pairs;
    int8_t *nothing = (int8_t *)(border + 2 * p->pairs), *const start = y;
    memset(nothing, p->x_zero_point, (size_t)g->x_c);
    depthwise_taps taps = {
        inside, p->pairs, g->x_c, g->y_c / g->x_c, g->stride_w * g->x_c, g->y_c, 1, nothing,
    };
    locate_window(inside, 0, 0, 0, g);
    for (int32_t i = 0, top = -g->pad_h; i < g->y_h; i++, top += g->stride_h) {
        const int32_t rows_inside = top >= 0 && top + span_h <= g->x_h;
        int32_t pixels;
        for (int32_t j = 0, left = -g->pad_w; j < g->y_w; j += pixels, left += pixels * g->stride_w) {
            const int8_t *seen = x + (top * g->x_w + left) * g->x_c;
            pixels = 1;
            if (rows_inside && left >= 0 && left + span_w <= g->x_w) {
                const int32_t more = (g->x_w - span_w - left) / g->stride_w;
                pixels += more < g->y_w - 1 - j ? more : g->y_w - 1 - j;
                taps.offsets = inside;
            } else {
                locate_window(border, OUTSIDE(seen, &taps), top, left, g);
                taps.offsets = border;
            }
            some_pixels(y, seen, &taps, pixels, p);
            y += pixels * g->y_c;
        }
    }
    limit_s8(start, (int32_t)(y - start), p->y_min, p->y_max);
}
