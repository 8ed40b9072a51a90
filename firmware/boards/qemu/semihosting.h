// The calls of Arm's semihosting interface that the emulated board uses (Arm document "Semihosting for AArch32 and
// AArch64"). The emulator executes them; on a chip without a debugger they would fault.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { SEMIHOSTING_OPEN = 0x01, SEMIHOSTING_WRITE = 0x05, SEMIHOSTING_READ = 0x06, SEMIHOSTING_EXIT_EXTENDED = 0x20 };

static inline uint32_t semihosting_call(uint32_t operation, const volatile uint32_t *block) {
    register uint32_t r0 __asm__("r0") = operation;
    register const volatile uint32_t *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

// Ends the emulator with this exit status.
static inline void semihosting_exit(uint32_t status) {
    const volatile uint32_t block[2] = {0x20026 /* application exit */, status};
    semihosting_call(SEMIHOSTING_EXIT_EXTENDED, block);
    for (;;) {
    }
}
