// Classify as the application of a board, in the place of core/app.c: pictures come as numbers.
#include "app.h"
#include "board.h"
#include "board_io.h"
#include "classify.h"

static example_io io;

void app_init(void) {
    io = board_io();
    classify_begin(&io);
    board_status(BOARD_READY);
}

void app_poll(void) {
    uint8_t text[64];
    const size_t size = board_read(text, sizeof text);
    for (size_t i = 0; i < size; i++) classify_character(&io, (char)text[i]);
}
