// A Cortex-M on one of QEMU's MPS2 boards, started with `-icount shift=6`: every instruction takes 64 ns of emulated time.
#include "board.h"

#include "app.h"
#include "cortex_m/startup.h"
#include "counter.h"
#include "link.h"
#include "semihosting.h"

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(8), used));

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "instructions",
    .counter_numerator = 8ull * 1000000000 / TIMER_HZ,  // eighths of a nanosecond a tick
    .counter_denominator = 8 * 64,
    .clock_hz = TIMER_HZ,
    .receive_buffer_bytes = 4096,  // the emulator holds back what is not read; nothing is lost while the model runs
    .baud = LINK_BAUD,
    .stack = stack,
    .stack_bytes = STACK_BYTES,
};

void board_init(void) {
    counter_init();
    link_init();
}

size_t board_read(uint8_t *data, size_t capacity) { return link_read(data, capacity); }

void board_write(const uint8_t *data, size_t size) { link_write(data, size); }

void board_set_baud(uint32_t baud) { link_set_baud(baud); }

uint32_t board_counter(void) { return counter_read(); }

void board_status(board_state state) { (void)state; }

// The emulator ends with the exception's number as exit status instead of hanging.
void unexpected_exception(void) {
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    semihosting_exit(number);
}

int main(void) {
    board_init();
    app_init();
    for (;;) app_poll();
}
