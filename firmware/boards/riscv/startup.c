#include "riscv/startup.h"

#include "riscv/fault.h"
#include "shared/memory.h"

int main(void);
void reset(void);
void vectors(void);
void start(void);
void exception(void);

enum { PMP_ADDRESS_0 = 0x3B0, PMP_CONFIG_0 = 0x3A0, PMP_LOCKED_POWER_OF_2 = 0x98, GUARD_BYTES = 4096 };

extern uint8_t stack_low[];

void interrupt_1(void) __attribute__((weak, alias("exception")));

// Vectored: exceptions go to the first entry, interrupt n to the one n further. The chip takes no other mode, and aligns
// the table to 256 bytes.
__attribute__((naked, used, section(".text.vectors"), aligned(256))) void vectors(void) {
    __asm__ volatile(
        ".option push\n"
        ".option norvc\n"
        "j exception\n"
        "j interrupt_1\n"
        ".rept 30\n"
        "j exception\n"
        ".endr\n"
        ".option pop\n");
}

// Goes on where csr_write() said, every register as it was. Otherwise on a stack that is whole: the old one may be full.
__attribute__((naked, used)) void exception(void) {
    __asm__ volatile(
        "csrrw t0, mscratch, t0\n"
        "beqz t0, 1f\n"
        "csrw mepc, t0\n"
        "csrrw t0, mscratch, zero\n"
        "mret\n"
        "1: mv a0, ra\n"
        "la sp, stack_high\n"
        "j fault_keep\n");
}

__attribute__((section(".reset"), naked, used)) void reset(void) {
    __asm__ volatile(
        "csrci mstatus, 8\n"  // no interrupts
        "csrw mscratch, zero\n"
        "la sp, stack_high\n"
        "la t0, vectors\n"
        "addi t0, t0, 1\n"
        "csrw mtvec, t0\n"
        "j start\n");
}

// The stack lies at the bottom of RAM. What lies below it is nobody's: an access there becomes a fault for this mode, too.
static void guard_stack(void) {
    const uint32_t guard = (uint32_t)(uintptr_t)stack_low - GUARD_BYTES;
    if (csr_write(PMP_ADDRESS_0, guard / 4 + GUARD_BYTES / 8 - 1)) csr_write(PMP_CONFIG_0, PMP_LOCKED_POWER_OF_2);
}

void start(void) {
    memory_init();
    guard_stack();
    main();
}
