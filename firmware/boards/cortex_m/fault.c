#include "cortex_m/fault.h"

#include <stdint.h>

#include "cortex_m/core.h"
#include "cortex_m/startup.h"
#include "log.h"
#include "shared/text.h"

enum {
    FRAME_LR = 5,  // words of what an exception puts on the stack
    FRAME_PC = 6,
    FRAME_WORDS = 8,
    MEMORY_ADDRESS_VALID = 1u << 7,
    BUS_ADDRESS_VALID = 1u << 15,
    RESET_KEY = 0x05FA0000,
    RESET_CHIP = 1u << 2,
};

static const uint32_t MAGIC = 0x6661756C;

static struct {
    uint32_t magic, exception, pc, lr, status, address;
} fault __attribute__((section(".noinit")));

static uint32_t faulting_address(uint32_t status) {
    if (status & BUS_ADDRESS_VALID) return BUS_FAULT_ADDRESS;
    return status & MEMORY_ADDRESS_VALID ? MEMORY_FAULT_ADDRESS : 0;
}

// `frame` lies outside RAM where the stack overflowed.
__attribute__((used, noreturn)) static void keep_fault(const uint32_t *frame, const uint32_t *stack_top) {
    const uintptr_t lowest = 0x20000000, at = (uintptr_t)frame;
    const uint32_t status = FAULT_STATUS;
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    fault.exception = exception;
    const int is_there = at >= lowest && at + FRAME_WORDS * sizeof *frame <= (uintptr_t)stack_top;
    fault.pc = is_there ? frame[FRAME_PC] : 0;
    fault.lr = is_there ? frame[FRAME_LR] : 0;
    fault.status = status;
    fault.address = faulting_address(status);
    fault.magic = MAGIC;
    __asm__ volatile("dsb" ::: "memory");
    RESET_CONTROL = RESET_KEY | RESET_CHIP;
    for (;;) {
    }
}

// Goes on with a stack that is whole.
__attribute__((naked)) void unexpected_exception(void) {
    __asm__ volatile(
        "mov r0, sp\n"
        "ldr r1, =stack_high\n"
        "mov sp, r1\n"
        "b keep_fault\n"
        ".ltorg\n");
}

void fault_report(void) {
    if (fault.magic == MAGIC) {
        char text[160], *end = put_text(text, "the firmware stopped and was reset: exception ");
        end = put_hexadecimal(put_text(put_two_digits(end, fault.exception), " at "), fault.pc);
        end = put_hexadecimal(put_text(end, ", called from "), fault.lr);
        end = put_hexadecimal(put_text(end, "; fault status "), fault.status);
        end = put_hexadecimal(put_text(end, ", address "), fault.address);
        *end = '\0';
        fault.magic = 0;
        log_send(text);
    }
}
