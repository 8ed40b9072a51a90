// An STM32F405 without any board around it but power and a serial line on PA9 and PA10. QEMU's netduinoplus2 runs the same
// image, started with `-icount shift=0`.
#include "board.h"

#include "app.h"
#include "chip.h"
#include "clocks.h"
#include "cortex_m/fault.h"
#include "counter.h"
#include "line.h"
#include "watchdog.h"

enum { INTERRUPT_WORDS = 3 };

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(8), used));

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
    for (int i = 0; i < INTERRUPT_WORDS; i++) NVIC_DISABLE[i] = UINT32_MAX;  // what a boot loader left
    SYSTICK_CONTROL = 0;
    const chip_clocks clocks = clocks_init();
    found.clock_hz = clocks.cpu_hz;
    found.counter_unit = counter_init();
    line_init(clocks.usart_hz);
    __asm__ volatile("cpsie i");
}

// Which pin has a LED differs from board to board.
void board_status(board_state state) {
    (void)state;
    watchdog_feed();
}

int main(void) {
    board_init();
    fault_report();
    watchdog_report();
    app_init();
    watchdog_start();
    for (;;) app_poll();
}
