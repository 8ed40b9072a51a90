// The firmware as a Linux process: its serial line is standard input and output, which whoever starts it connects to a
// pseudo-terminal (host/emulators.py). Ends when the line does.
#define _POSIX_C_SOURCE 200809L
#include "board.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "app.h"

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "nanoseconds",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .receive_buffer_bytes = 4096,  // what a pseudo-terminal holds
};

void board_init(void) {}

size_t board_read(uint8_t *data, size_t capacity) {
    const ssize_t size = read(STDIN_FILENO, data, capacity);
    if (size < 0 && errno == EINTR) return 0;
    if (size <= 0) exit(EXIT_SUCCESS);
    return (size_t)size;
}

void board_write(const uint8_t *data, size_t size) {
    while (size > 0) {
        const ssize_t sent = write(STDOUT_FILENO, data, size);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) exit(EXIT_FAILURE);
        data += sent;
        size -= (size_t)sent;
    }
}

uint32_t board_counter(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
}

void board_status(board_state state) { (void)state; }

int main(void) {
    board_init();
    app_init();
    for (;;) app_poll();
}
