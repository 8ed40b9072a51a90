// HelloModel as the application of a board, in the place of core/app.c. It says all again when anything is received.
#include "app.h"
#include "board.h"
#include "board_io.h"
#include "hello_model.h"

static example_io io;

static void say(void) {
    board_status(BOARD_BUSY);
    hello_model(&io);
    io.print("Send any key to run it again.\r\n");
    board_status(BOARD_READY);
}

void app_init(void) {
    io = board_io();
    say();
}

void app_poll(void) {
    uint8_t keys[64];
    if (board_read(keys, sizeof keys) > 0) say();
}
