// A Cortex-M on one of QEMU's MPS2 boards, started with `-icount shift=6`: every instruction takes 64 ns of emulated time.
#include "board.h"

#include "app.h"
#include "cortex_m/startup.h"
#include "link.h"
#include "semihosting.h"

typedef struct {
    volatile uint32_t control, value, reload, interrupt;
} cmsdk_timer;

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(8), used));

static cmsdk_timer *const timer = (cmsdk_timer *)TIMER_BASE;

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "instructions",
    .counter_numerator = 1000000000 / TIMER_HZ,  // nanoseconds a tick
    .counter_denominator = 64,
    .clock_hz = TIMER_HZ,
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
