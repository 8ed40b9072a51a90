// A bare RV32IMC core, the instruction set of the ESP32-C3, on QEMU's `virt` machine. It has the chip's instructions, resets
// and traps as the chip does, and has nothing else of it.
#include "board.h"
#include "core.h"
#include "riscv/fault.h"

uint32_t board_counter(void) {
    uint32_t retired;
    __asm__ volatile("csrr %0, minstret" : "=r"(retired));
    return retired;
}

void core_report(void) { fault_report(); }

void board_reset(void) {
    volatile uint32_t *const test_device = (volatile uint32_t *)0x100000;
    *test_device = 0x7777;
    for (;;) {
    }
}
