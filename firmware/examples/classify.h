// Classify: what the model says to a picture from an array, or typed or pasted as numbers.
#pragma once
#include "example.h"
#include "model_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

// A number of a picture: a pixel, 0 to 255, where the model takes pixels, else the byte that it takes itself.
#if MODEL_PIXEL_INPUT
typedef uint8_t picture_number;
#else
typedef int8_t picture_number;
#endif

// Shows the picture (MODEL_INPUT_BYTES,), row by row with the channels of a pixel side by side, and its classes.
void classify_picture(const example_io *io, const picture_number *picture);

// Says which numbers to send.
void classify_begin(const example_io *io);

// Takes one character of what was sent: numbers, with anything but letters between them. With the last of a picture it
// is classified. A letter starts over.
void classify_character(const example_io *io, char character);

#ifdef __cplusplus
}
#endif
