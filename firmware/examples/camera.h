// Camera: what the model says to the frames of a camera, one after the other.
#pragma once
#include "example.h"
#include "camera_frame.h"
#include "model_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

// Words of memory for frames of width x height pixels.
#define CAMERA_WORDS(width, height) \
    FRAME_WORDS(width, height, MODEL_PICTURE_WIDTH, MODEL_PICTURE_HEIGHT, MODEL_PICTURE_CHANNELS)

// What the model sees of such frames: the largest part in the middle that has the proportions of its pictures.
frame_view camera_view(frame_format format, int32_t width, int32_t height);

// Says what will be seen. memory (CAMERA_WORDS,) belongs to the example from now on.
void camera_begin(const example_io *io, const frame_view *view, uint32_t *memory);

// Takes the next row of a frame, of its whole width. With the last one the picture and its classes are shown.
void camera_row(const example_io *io, const uint8_t *row);

// The same for a frame that lies in memory.
void camera_frame(const example_io *io, const uint8_t *frame);

#ifdef __cplusplus
}
#endif
