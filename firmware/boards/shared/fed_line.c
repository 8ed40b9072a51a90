// What boards have in common whose folder has a line, a counter and a watchdog: whatever asks for the line feeds the watchdog.
#include "board.h"
#include "counter.h"
#include "line.h"
#include "watchdog.h"

size_t board_read(uint8_t *data, size_t capacity) {
    watchdog_feed();
    return line_read(data, capacity);
}

void board_write(const uint8_t *data, size_t size) {
    watchdog_feed();
    line_write(data, size);
}

void board_set_baud(uint32_t baud) { line_set_baud(baud); }

uint32_t board_counter(void) { return counter_read(); }
