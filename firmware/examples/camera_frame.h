// A camera's frame as the input of a network: cropped, made grey or coloured, and scaled, to the byte as it is done to
// the pictures of training (`stretched` in tinyproof/pictures.py). Integers only, no heap, one row of the frame at a
// time; it needs nothing but this file and camera_frame.c.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    FRAME_GREY,            // one byte a pixel
    FRAME_RGB565,          // two bytes a pixel, red in the first
    FRAME_RGB565_SWAPPED,  // two bytes a pixel, blue in the first
    FRAME_YUV422,          // Y, Cb, Y, Cr: four bytes for two pixels, each 0 to 255
    FRAME_RGB888,          // three bytes a pixel
} frame_format;

// A frame, and the part of it that the network sees. Its sides are 2048 pixels at most, even where it is YUV422.
typedef struct {
    frame_format format;
    int32_t width, height;
    int32_t left, top, crop_width, crop_height;
    bool inverted;  // what is dark becomes bright: for a network that learned bright strokes on black
} frame_view;

typedef struct {
    frame_view view;
    int32_t width, height, channels;  // of the network's picture; one channel or three
    int32_t row, done;                // rows of the frame that came, of the picture that are finished
    int32_t taps_x, taps_y;           // pixels of the frame behind one of the picture, at most
    uint32_t *weights_x, *weights_y;  // (width, 2 + taps_x): the first, how many, their weights; (taps_y,)
    uint8_t *line, *lines;            // (crop_width, channels)  the last (taps_y, width, channels)
} frame_scaler;

// Words of memory for a part of a frame and a picture of these sizes; enough for smaller parts, too.
#define FRAME_WORDS(crop_width, crop_height, width, height, channels)                  \
    ((width) * (2 + FRAME_TAPS(crop_width, width)) + FRAME_TAPS(crop_height, height) + \
     ((crop_width) * (channels) + FRAME_TAPS(crop_height, height) * (width) * (channels) + 3) / 4)
#define FRAME_TAPS(from, to) ((from) > (to) ? 2 * (from) / (to) + 1 : 3)

// The largest part in the middle of a frame that has the proportions of a picture of width x height.
frame_view frame_middle(frame_format format, int32_t frame_width, int32_t frame_height, int32_t width, int32_t height);

// Makes ready for a frame, and for each after it. memory (FRAME_WORDS,) belongs to the scaler from now on.
void scaler_begin(frame_scaler *scaler, const frame_view *view, int32_t width, int32_t height, int32_t channels,
                 uint32_t *memory);

// Takes the next row of the frame, of its whole width, and writes what that finishes. True with a frame's last row.
// input (height, width, channels): `pixel - 128`
bool scaler_row(frame_scaler *scaler, int8_t *input, const uint8_t *row);

// All rows of a frame that lies in memory.
void scaler_frame(frame_scaler *scaler, int8_t *input, const uint8_t *frame);

#ifdef __cplusplus
}
#endif
