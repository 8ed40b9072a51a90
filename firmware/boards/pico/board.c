// Raspberry Pi Pico: RP2040, the first of its two Cortex-M0+ at 125 MHz, no library of anybody else's.
#include "board.h"

#include "app.h"
#include "clocks.h"
#include "counter.h"
#include "link.h"
#include "rp2040.h"
#include "watchdog.h"

enum { LED_PIN = 25, WRAP_BITS = 24, WRAP_MASK = (1 << WRAP_BITS) - 1 };

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(8), used));
static volatile uint32_t wraps;
static volatile board_state shown;

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "cycles",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .clock_hz = SYSTEM_HZ,
    .receive_buffer_bytes = LINK_BUFFER_BYTES,
    .baud = LINK_BAUD,
    .stack = stack,
    .stack_bytes = STACK_BYTES,
};

void board_init(void) {
    clocks_init();
    watchdog_init();
    peripherals_start(RESET_IO_BANK0 | RESET_PADS_BANK0);
    GPIO_CTRL(LED_PIN) = FUNCTION_SIO;
    SIO_OE_SET = 1u << LED_PIN;
    counter_init();
    link_init();
}

size_t board_read(uint8_t *data, size_t capacity) {
    watchdog_main_loop();
    return link_read(data, capacity);
}

void board_write(const uint8_t *data, size_t size) { link_write(data, size); }

void board_set_baud(uint32_t baud) { link_set_baud(baud); }

// On when all is well, dark while the model runs, blinking when the board failed.
void board_status(board_state state) {
    shown = state;
    *(state == BOARD_READY ? &SIO_OUT_SET : &SIO_OUT_CLEAR) = 1u << LED_PIN;
}

void counter_init(void) {
    SYSTICK_RVR = WRAP_MASK;
    SYSTICK_CVR = 0;
    SYSTICK_CSR = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CPU_CLOCK;
}

void counter_wrapped(void) {
    wraps++;
    watchdog_feed();
    if (shown == BOARD_FAILED) SIO_OUT_FLIP = 1u << LED_PIN;
}

uint32_t board_counter(void) {
    uint32_t before, value;
    do {
        before = wraps;
        value = SYSTICK_CVR;
        __asm__ volatile("isb");  // the interrupt of a wrap until here has come
    } while (before != wraps);
    return before << WRAP_BITS | (-value & WRAP_MASK);  // the interrupt comes at 0
}

int main(void) {
    board_init();
    watchdog_report();  // before the self-test: a fault in it would come again
    app_init();
    for (;;) app_poll();
}
