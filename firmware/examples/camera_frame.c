// Pillow's bilinear `resize`, when shrinking a mean over all pixels that a new one covers: first along the rows, then
// down the columns, each rounded to a byte. Its weights are floating-point numbers rounded to 22 bits behind the point.
// Here they are fractions, which round to the same: up to 2048 pixels a side their denominators are no more than 2^23,
// so that none lies as near to the middle between two numbers as floating point is wrong.
//
// With `from` pixels made `to`, lengths in 1 / (2 * from * to) of the side: pixel j lies at (2 * j + 1) * to, the new
// pixel i at (2 * i + 1) * from. The share of j in i is 2 * max(from, to) where they meet, and 0 at that distance.
#include "camera_frame.h"

enum { WEIGHT_BITS = 22, HALF = 1 << (WEIGHT_BITS - 1) };

static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }

static int32_t share(int32_t from, int32_t to, int32_t i, int32_t j) {
    const int32_t distance = (2 * j + 1) * to - (2 * i + 1) * from;
    return larger(2 * larger(from, to) - (distance < 0 ? -distance : distance), 0);
}

static int32_t first_of(int32_t from, int32_t to, int32_t i) {
    return larger((2 * i + 1) * from - 2 * larger(from, to) + to, 0) / (2 * to);
}

static int32_t end_of(int32_t from, int32_t to, int32_t i) {
    return smaller(((2 * i + 1) * from + 2 * larger(from, to) + to) / (2 * to), from);
}

// The weights of first_of(i) to end_of(i), a sum of 2^22 or nearly; returns how many.
static int32_t weigh(uint32_t *weights, int32_t from, int32_t to, int32_t i) {
    const int32_t first = first_of(from, to, i), count = end_of(from, to, i) - first;
    uint32_t sum = 0;
    for (int32_t t = 0; t < count; t++) sum += (uint32_t)share(from, to, i, first + t);
    for (int32_t t = 0; t < count; t++) {
        const uint64_t part = (uint64_t)share(from, to, i, first + t);
        weights[t] = (uint32_t)(((part << (WEIGHT_BITS + 1)) + sum) / (2 * (uint64_t)sum));
    }
    return count;
}

static int32_t clamped(int32_t value) { return value < 0 ? 0 : value > 255 ? 255 : value; }

// Colour differences as JPEG has them, in 1/64 as Pillow counts: a half is added, then the fraction cut off.
static int32_t scaled(int32_t chroma, int32_t factor) { return ((chroma - 128) * factor * 64 + 50000) / 100000; }

// Down to the next integer.
static int32_t whole(int32_t sixty_fourths) { return ((sixty_fourths + (512 << 6)) >> 6) - 512; }

static void color(int32_t rgb[3], frame_format format, const uint8_t *row, int32_t x) {
    if (format == FRAME_RGB888) {
        for (int c = 0; c < 3; c++) rgb[c] = row[3 * x + c];
    } else if (format == FRAME_YUV422) {
        const int32_t luma = row[2 * x], blue = row[(x & ~1) * 2 + 1], red = row[(x & ~1) * 2 + 3];
        rgb[0] = clamped(luma + whole(scaled(red, 140200)));
        rgb[1] = clamped(luma + whole(scaled(blue, -34414) + scaled(red, -71414)));
        rgb[2] = clamped(luma + whole(scaled(blue, 177200)));
    } else {
        const bool swapped = format == FRAME_RGB565_SWAPPED;
        const int32_t bits = row[2 * x + swapped] << 8 | row[2 * x + !swapped];
        rgb[0] = (bits >> 11) * 255 / 31;
        rgb[1] = (bits >> 5 & 63) * 255 / 63;
        rgb[2] = (bits & 31) * 255 / 31;
    }
}

static uint8_t grey(const int32_t rgb[3]) {
    return (uint8_t)((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + (1 << 15)) >> 16);
}

// line (crop_width, channels): the part of a row that is seen, a byte a channel.
static void take_line(const frame_scaler *s, uint8_t *line, const uint8_t *row) {
    const frame_format format = s->view.format;
    const bool has_luma = format == FRAME_GREY || (format == FRAME_YUV422 && s->channels == 1);
    const int32_t step = format == FRAME_GREY ? 1 : 2;
    for (int32_t i = 0; i < s->view.crop_width; i++) {
        const int32_t x = s->view.left + i;
        int32_t rgb[3];
        if (has_luma) {
            for (int32_t c = 0; c < s->channels; c++) *line++ = row[step * x];
            continue;
        }
        color(rgb, format, row, x);
        if (s->channels == 1) *line++ = grey(rgb);
        for (int32_t c = 0; s->channels == 3 && c < 3; c++) *line++ = (uint8_t)rgb[c];
    }
}

static void scale_along(const frame_scaler *s, uint8_t *scaled_line, const uint8_t *line) {
    const uint32_t *weights = s->weights_x;
    for (int32_t x = 0; x < s->width; x++, weights += 2 + s->taps_x) {
        const uint8_t *first = line + (int32_t)weights[0] * s->channels;
        for (int32_t c = 0; c < s->channels; c++) {
            uint32_t sum = HALF;
            for (uint32_t t = 0; t < weights[1]; t++) sum += weights[2 + t] * first[(int32_t)t * s->channels + c];
            *scaled_line++ = (uint8_t)(sum >> WEIGHT_BITS);
        }
    }
}

static void finish_row(const frame_scaler *s, int8_t *row) {
    const int32_t size = s->width * s->channels;
    const int32_t oldest = first_of(s->view.crop_height, s->height, s->done) % s->taps_y;
    const int32_t count = weigh(s->weights_y, s->view.crop_height, s->height, s->done);
    for (int32_t i = 0; i < size; i++) {
        uint32_t sum = HALF;
        int32_t slot = oldest;
        for (int32_t t = 0; t < count; t++) {
            sum += s->weights_y[t] * s->lines[slot * size + i];
            if (++slot == s->taps_y) slot = 0;
        }
        const int32_t value = (int32_t)(sum >> WEIGHT_BITS) - 128;
        row[i] = (int8_t)(s->view.inverted ? -1 - value : value);
    }
}

frame_view frame_middle(frame_format format, int32_t frame_width, int32_t frame_height, int32_t width, int32_t height) {
    frame_view view = {.format = format, .width = frame_width, .height = frame_height};
    view.crop_width = larger(smaller(frame_width, frame_height * width / height), 1);
    view.crop_height = larger(smaller(frame_height, frame_width * height / width), 1);
    view.left = (frame_width - view.crop_width) / 2;
    view.top = (frame_height - view.crop_height) / 2;
    return view;
}

void scaler_begin(frame_scaler *s, const frame_view *view, int32_t width, int32_t height, int32_t channels,
                 uint32_t *memory) {
    *s = (frame_scaler){.view = *view, .width = width, .height = height, .channels = channels};
    s->taps_x = FRAME_TAPS(view->crop_width, width);
    s->taps_y = FRAME_TAPS(view->crop_height, height);
    s->weights_x = memory;
    s->weights_y = s->weights_x + width * (2 + s->taps_x);
    s->line = (uint8_t *)(s->weights_y + s->taps_y);
    s->lines = s->line + view->crop_width * channels;
    uint32_t *weights = s->weights_x;
    for (int32_t x = 0; x < width; x++, weights += 2 + s->taps_x) {
        weights[0] = (uint32_t)first_of(view->crop_width, width, x);
        weights[1] = (uint32_t)weigh(weights + 2, view->crop_width, width, x);
    }
}

bool scaler_row(frame_scaler *s, int8_t *input, const uint8_t *row) {
    const int32_t size = s->width * s->channels, from = s->view.crop_height;
    const int32_t y = s->row++ - s->view.top;
    if (y >= 0 && y < from) {
        take_line(s, s->line, row);
        scale_along(s, s->lines + y % s->taps_y * size, s->line);
        for (; s->done < s->height && end_of(from, s->height, s->done) <= y + 1; s->done++) {
            finish_row(s, input + s->done * size);
        }
    }
    if (s->row < s->view.height) return false;
    s->row = s->done = 0;
    return true;
}

void scaler_frame(frame_scaler *s, int8_t *input, const uint8_t *frame) {
    static const int32_t pixel_bytes[] = {
        [FRAME_GREY] = 1, [FRAME_RGB565] = 2, [FRAME_RGB565_SWAPPED] = 2, [FRAME_YUV422] = 2, [FRAME_RGB888] = 3,
    };
    const int32_t row_bytes = s->view.width * pixel_bytes[s->view.format];
    for (int32_t y = 0; y < s->view.height; y++) scaler_row(s, input, frame + y * row_bytes);
}
