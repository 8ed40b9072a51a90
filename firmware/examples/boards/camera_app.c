// Camera as the application of an emulated board: its camera is the serial line, which brings frame after frame as
// bytes, as the camera of a board would: grey, or two bytes a pixel for a model of colours.
#include "app.h"
#include "board.h"
#include "board_io.h"
#include "camera.h"

enum {
    WIDTH = 160,
    HEIGHT = 120,
    PIXEL_BYTES = MODEL_PICTURE_CHANNELS == 1 ? 1 : 2,
};

static example_io io;
static uint32_t memory[CAMERA_WORDS(WIDTH, HEIGHT)];
static uint8_t row[WIDTH * PIXEL_BYTES];
static size_t filled;

void app_init(void) {
    const frame_view view = camera_view(PIXEL_BYTES == 1 ? FRAME_GREY : FRAME_RGB565, WIDTH, HEIGHT);
    io = board_io();
    camera_begin(&io, &view, memory);
    board_status(BOARD_READY);
}

void app_poll(void) {
    filled += board_read(row + filled, sizeof row - filled);
    if (filled < sizeof row) return;
    filled = 0;
    camera_row(&io, row);
}
