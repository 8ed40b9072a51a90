// A bare Xtensa LX106 (the ESP8266's core) on QEMU's lx60-nommu machine. A check that the firmware is portable to the
// Xtensa family: big immediates, aligned loads only, no divide instruction. It is not an ESP32, whose LX6 differs.
#include "board.h"

#include <string.h>

#include "app.h"
#include "uart_16550.h"

extern uint8_t stack_low[], stack_high[], data_start[], data_end[], data_load[], bss_start[], bss_end[];

// CCOUNT follows emulated time at 40 MHz: one tick is 25 ns and, with `-icount shift=6`, one instruction 64 ns.
const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "instructions",
    .counter_numerator = 25,
    .counter_denominator = 64,
    .receive_buffer_bytes = 4096,  // the emulator holds back what is not read
    .stack = stack_low,
    .stack_bytes = STACK_BYTES,
};

void board_init(void) { uart_16550_init(); }

size_t board_read(uint8_t *data, size_t capacity) { return uart_16550_read(data, capacity); }

void board_write(const uint8_t *data, size_t size) { uart_16550_write(data, size); }

uint32_t board_counter(void) {
    uint32_t ticks;
    __asm__ volatile("rsr %0, ccount" : "=r"(ticks));
    return ticks;
}

void board_status(board_state state) { (void)state; }

int main(void) {
    board_init();
    app_init();
    for (;;) app_poll();
}

// Memory as C expects it, then main().
__attribute__((used)) void start(void) {
    memcpy(data_start, data_load, (size_t)(data_end - data_start));
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    main();
}

// Exceptions arrive at fixed distances from VECBASE. Each is a bug: the emulator ends with status 1 (its SYS_exit is call
// 1 of `simcall`) instead of hanging.
__asm__(
    "    .section .reset, \"ax\"\n"
    "    .align 4\n"
    "    .global reset\n"
    "    .literal_position\n"
    "reset:\n"
    "    movi a2, vectors\n"
    "    wsr a2, vecbase\n"
    "    movi a1, stack_high\n"
    "    call0 start\n"
    "    .align 1024\n"
    "vectors:\n"
    "    .rept 8\n"  // debug, NMI, kernel, user and double exception lie at multiples of 16 below 128
    "    movi a2, 1\n"
    "    movi a3, 1\n"
    "    simcall\n"
    "    .align 16\n"
    "    .endr\n");
