// A bare Xtensa LX106 (the ESP8266's core) on QEMU's lx60-nommu machine. A check that the firmware is portable to the
// Xtensa family: big immediates, aligned loads only, no divide instruction. It is not an ESP32, whose LX6 differs.
#include "board.h"
#include "core.h"
#include "shared/memory.h"

// CCOUNT follows emulated time at 40 MHz: one tick is 25 ns and, with `-icount shift=6`, one instruction 64 ns.
uint32_t board_counter(void) {
    uint32_t ticks;
    __asm__ volatile("rsr %0, ccount" : "=r"(ticks));
    return ticks;
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

void core_report(void) {}

int main(void);
void start(void);
void start(void) {
    memory_init();
    main();
}
