// A board with an nRF52840, started by the boot loader that it is sold with: no operating system, no SoftDevice. Its pins are
// in the table of boards.
#include "board.h"

#include <stdbool.h>

#include "app.h"
#include "chip.h"
#include "cortex_m/fault.h"
#include "counter.h"
#include "line.h"
#include "watchdog.h"

enum {
    CPU_HZ = 64000000,  // whichever oscillator runs
    CRYSTAL_RUNS = 1u << 16 | 1u << 0,
    WAITED = 100000,  // reads of a register, some 10 ms: the crystal takes 0.4
    CACHE_ON = 1,
    BLINK_BIT = 22,  // of the cycles: eight changes a second
};

static uint8_t stack[STACK_BYTES] __attribute__((section(".stack"), aligned(8), used));

// What is counted shows in board_init().
static board_info found = {
    .name = BOARD_NAME,
    .counter_numerator = 1,
    .counter_denominator = 1,
    .clock_hz = CPU_HZ,
    .receive_buffer_bytes = LINE_BUFFER_BYTES,
    .baud = LINE_BAUD,
    .stack = stack,
    .stack_bytes = STACK_BYTES,
};
extern const board_info board __attribute__((alias("found")));

static board_state shown = BOARD_FAILED;

// The chip's own oscillator is off by up to 8 % (product specification, HFINT), and a UART bears 3. Where the crystal does
// not come, the line may still be understood.
static void start_crystal(void) {
    CLOCK_START_CRYSTAL = 1;
    for (int32_t reads = 0; reads < WAITED && (CLOCK_STATE & CRYSTAL_RUNS) != CRYSTAL_RUNS; reads++) {
    }
}

static void light(bool on) {
    if (on == (LED_LIT != 0)) {
        PIN_SET(LED_PIN) = PIN_BIT(LED_PIN);
    } else {
        PIN_CLEAR(LED_PIN) = PIN_BIT(LED_PIN);
    }
}

void board_init(void) {
    SYSTICK_CONTROL = 0;
    for (int i = 0; i < (INTERRUPTS + 31) / 32; i++) {  // what a boot loader left
        NVIC_DISABLE[i] = UINT32_MAX;
        NVIC_FORGET[i] = UINT32_MAX;
    }
    start_crystal();
    FLASH_CACHE = CACHE_ON;
    found.counter_unit = counter_init();
    light(false);
    PIN_OUTPUT(LED_PIN) = PIN_BIT(LED_PIN);
    line_init();
    __asm__ volatile("cpsie i");
    line_write((const uint8_t[]){0}, 1);  // no frame begins with what the pin did before
}

// On when all is well, dark while the model runs, blinking fast when the board failed.
void board_status(board_state state) {
    watchdog_feed();
    shown = state;
    light(state == BOARD_READY);
}

int main(void) {
    board_init();
    fault_report();
    watchdog_report();
    app_init();
    watchdog_start();
    for (;;) {
        app_poll();
        if (shown == BOARD_FAILED) light(counter_read() >> BLINK_BIT & 1);
    }
}
