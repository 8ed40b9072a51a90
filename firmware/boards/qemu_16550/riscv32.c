// A bare RV32IMC core, the instruction set of the ESP32-C3, on QEMU's `virt` machine. It has the chip's instructions and
// nothing else of it.
#include "board.h"

uint32_t board_counter(void) {
    uint32_t retired;
    __asm__ volatile("csrr %0, minstret" : "=r"(retired));
    return retired;
}

// A trap is a bug: the emulator ends with its cause as exit status instead of hanging.
static __attribute__((aligned(4), used)) void unexpected(void) {
    volatile uint32_t *const test_device = (volatile uint32_t *)0x100000;
    uint32_t cause;
    __asm__ volatile("csrr %0, mcause" : "=r"(cause));
    *test_device = cause << 16 | 0x3333;
    for (;;) {
    }
}

void reset(void);
__attribute__((section(".reset"), naked, used)) void reset(void) {
    __asm__ volatile("la sp, stack_high\n la t0, %0\n csrw mtvec, t0\n j start" : : "i"(unexpected));
}
