// An ESP32-C3 without ESP-IDF: its boot ROM starts this image by itself.
#include "board.h"

#include "app.h"
#include "chip.h"
#include "clocks.h"
#include "counter.h"
#include "line.h"
#include "riscv/fault.h"
#include "watchdog.h"

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(16), used));

// Which clock runs and what is counted shows in board_init().
static board_info found = {
    .name = BOARD_NAME,
    .counter_numerator = 1,
    .counter_denominator = 1,
    .receive_buffer_bytes = LINE_BUFFER_BYTES,
    .baud = LINE_BAUD,
    .stack = stack,
    .stack_bytes = STACK_BYTES,
};
extern const board_info board __attribute__((alias("found")));

void board_init(void) {
    watchdogs_stop();
    CPU_INTERRUPTS = 0;
    found.counter_unit = counter_init();
    found.clock_hz = clocks_init();
    line_init();
    line_write((const uint8_t[]){0}, 1);  // no frame begins with what the boot ROM said
}

// Its light, where a board has one, is of another kind on each.
void board_status(board_state state) {
    (void)state;
    watchdog_feed();
}

void board_reset(void) {
    RTC_OPTIONS |= 1u << 31;
    for (;;) {
    }
}

int main(void) {
    board_init();
    fault_report();
    watchdog_report();
    app_init();
    watchdog_start();
    for (;;) app_poll();
}
