// Depthwise convolution, one channel at a time: it is laid out as a plane of bytes with all that lies outside the image, so
// that no window is at a border. A 3 x 3 window keeps its weights in registers and makes two rows of y at once.
#include <string.h>

#include "packed.h"
#include "planes_kernels.h"

// plane (plane_h, plane_w) = a channel of x, zeros around it
static __attribute__((noinline)) void lay_plane(
    int8_t *plane, const int8_t *x, const depthwise_conv2d_planes_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t x_c = g->x_c, below = p->plane_h - g->pad_h, right = p->plane_w - g->pad_w;
    const int32_t rows = below < g->x_h ? below : g->x_h, columns = right < g->x_w ? right : g->x_w;
    int8_t *to = plane + g->pad_h * p->plane_w + g->pad_w;
    for (int32_t i = 0; i < rows; i++, x += g->x_w * x_c, to += p->plane_w) {
        const int8_t *from = x;
        int8_t *at = to;
        int32_t j = columns;
        for (; j >= 4; j -= 4, at += 4) {
            at[0] = *from;
            from += x_c;
            at[1] = *from;
            from += x_c;
            at[2] = *from;
            from += x_c;
            at[3] = *from;
            from += x_c;
        }
        for (; j > 0; j--, from += x_c) *at++ = *from;
    }
}

// One channel of a 3 x 3 window with strides of `stride`, two rows of y at a time.
INLINED void channel_of_three(
    int8_t *y, const int8_t *plane, const int16_t *w, const int32_t *channel, int32_t stride,
    const depthwise_conv2d_planes_params *p
) {
    const int32_t a = w[0], b = w[1], c = w[2], d = w[3], e = w[4], f = w[5], g = w[6], h = w[7], i = w[8];
    const packed_scale scale = packed_channel(channel);
    const int32_t row = p->plane_w, y_w = p->window.y_w, y_step = p->window.y_c, y_row = y_w * y_step;
    for (int32_t left = p->window.y_h; left > 0; left -= 2, plane += 2 * stride * row, y += y_row) {
        const int32_t below = left > 1 ? y_row : 0;
        const int8_t *x = plane, *const end = x + stride * y_w;
        for (; x != end; x += stride, y += y_step) {
            const int8_t *at = x;
            int32_t upper = scale.bias, lower = upper;
            upper += at[0] * a + at[1] * b + at[2] * c;
            at += row;
            upper += at[0] * d + at[1] * e + at[2] * f;
            if (stride == 1) lower += at[0] * a + at[1] * b + at[2] * c;
            at += row;
            const int32_t first = at[0], second = at[1], third = at[2];
            upper += first * g + second * h + third * i;
            at += row;
            if (stride == 1) {
                lower += first * d + second * e + third * f;
            } else {
                lower += first * a + second * b + third * c;
                lower += at[0] * d + at[1] * e + at[2] * f;
                at += row;
            }
            lower += at[0] * g + at[1] * h + at[2] * i;
            y[below] = (int8_t)saturate_s8(packed_scaled(lower, &scale));  // first: it may lie where the upper one does
            y[0] = (int8_t)saturate_s8(packed_scaled(upper, &scale));
        }
    }
}

static __attribute__((noinline)) void channel_with_stride_1(
    int8_t *y, const int8_t *plane, const int16_t *w, const int32_t *channel, const depthwise_conv2d_planes_params *p
) {
    channel_of_three(y, plane, w, channel, 1, p);
}

static __attribute__((noinline)) void channel_with_stride_2(
    int8_t *y, const int8_t *plane, const int16_t *w, const int32_t *channel, const depthwise_conv2d_planes_params *p
) {
    channel_of_three(y, plane, w, channel, 2, p);
}

// The same with any window, one output after the other.
static __attribute__((noinline)) void channel_of_any(
    int8_t *y, const int8_t *plane, const int16_t *weights, const int32_t *channel,
    const depthwise_conv2d_planes_params *p
) {
    const window_geometry *g = &p->window;
    const packed_scale scale = packed_channel(channel);
    const int32_t k_w = g->k_w, across = g->dilation_w, next_row = g->dilation_h * p->plane_w - k_w * across;
    for (int32_t i = g->y_h; i > 0; i--, plane += g->stride_h * p->plane_w) {
        const int8_t *x = plane;
        for (int32_t j = g->y_w; j > 0; j--, x += g->stride_w, y += g->y_c) {
            int32_t acc = scale.bias;
            const int8_t *from = x;
            const int16_t *w = weights;
            for (int32_t a = g->k_h; a > 0; a--, from += next_row) {
                int32_t b = k_w;
                for (; b >= 4; b -= 4, w += 4) {
                    acc += *from * w[0];
                    from += across;
                    acc += *from * w[1];
                    from += across;
                    acc += *from * w[2];
                    from += across;
                    acc += *from * w[3];
                    from += across;
                }
                for (; b > 0; b--, from += across) acc += *from * *w++;
            }
            *y = (int8_t)saturate_s8(packed_scaled(acc, &scale));
        }
    }
}

void depthwise_conv2d_planes_s8(
    int8_t *y, const int8_t *x, int8_t *scratch, const depthwise_conv2d_planes_params *p
) {
    const window_geometry *g = &p->window;
    const int32_t multiplier = g->y_c / g->x_c, taps = g->k_h * g->k_w;
    const int three = g->k_h == 3 && g->k_w == 3 && g->dilation_h == 1 && g->dilation_w == 1;
    const int loop = three && g->stride_h == g->stride_w && g->stride_h <= 2 ? g->stride_h : 0;
    const int16_t *w = p->weights;
    const int32_t *channel = p->output.channels;
    memset(scratch, p->x_zero_point, (size_t)(p->plane_h * p->plane_w));
    for (int32_t o = 0, left = 1; o < g->y_c; o++, w += taps, channel += 4) {
        if (--left == 0) {
            lay_plane(scratch, x++, p);
            left = multiplier;
        }
        if (loop == 1) channel_with_stride_1(y + o, scratch, w, channel, p);
        else if (loop == 2) channel_with_stride_2(y + o, scratch, w, channel, p);
        else channel_of_any(y + o, scratch, w, channel, p);
    }
    limit_s8(y, g->y_h * g->y_w * g->y_c, p->output.y_min, p->output.y_max);
}
