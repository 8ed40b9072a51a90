// A Cortex-M4F on QEMU's mps2-an386, started with `-icount shift=6`: every instruction takes 64 ns of emulated time.
#include "board.h"

#include "app.h"
#include "link.h"

typedef struct {
    volatile uint32_t control, value, reload, interrupt;
} cmsdk_timer;

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(8), used));

static cmsdk_timer *const timer = (cmsdk_timer *)0x40000000;

// The timer runs at 25 MHz: one tick is 40 ns, so 8 ticks are 5 instructions.
const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "instructions",
    .counter_numerator = 5,
    .counter_denominator = 8,
    .clock_hz = 25000000,
    .receive_buffer_bytes = 4096,  // the emulator holds back what is not read; nothing is lost while the model runs
    .baud = LINK_BAUD,
    .stack = stack,
    .stack_bytes = STACK_BYTES,
};

void board_init(void) {
    timer->reload = 0xFFFFFFFF;
    timer->value = 0xFFFFFFFF;
    timer->control = 1;
    link_init();
}

size_t board_read(uint8_t *data, size_t capacity) { return link_read(data, capacity); }

void board_write(const uint8_t *data, size_t size) { link_write(data, size); }

void board_set_baud(uint32_t baud) { link_set_baud(baud); }

uint32_t board_counter(void) { return ~timer->value; }

void board_status(board_state state) { (void)state; }

int main(void) {
    board_init();
    app_init();
    for (;;) app_poll();
}
