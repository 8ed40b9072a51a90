// A bare emulated core whose serial line is a 16550 UART: riscv32.c or xtensa.c brings the core's own part, that is its
// reset, its traps and board_counter(). What the counter counts comes from the board table.
#include "board.h"

#include "app.h"
#include "core.h"
#include "uart_16550.h"

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(16), used));

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "instructions",
    .counter_numerator = COUNTER_NUMERATOR,
    .counter_denominator = COUNTER_DENOMINATOR,
    .receive_buffer_bytes = 4096,  // the emulator holds back what is not read
    .stack = stack,
    .stack_bytes = STACK_BYTES,
};

void board_init(void) { uart_16550_init(); }

size_t board_read(uint8_t *data, size_t capacity) { return uart_16550_read(data, capacity); }

void board_write(const uint8_t *data, size_t size) { uart_16550_write(data, size); }

void board_set_baud(uint32_t baud) { (void)baud; }

void board_status(board_state state) { (void)state; }

int main(void) {
    board_init();
    core_report();
    app_init();
    for (;;) app_poll();
}
