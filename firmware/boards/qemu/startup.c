// Reset and fault handling of a bare Cortex-M4F: memory as C expects it, the FPU on, then main().
#include <stdint.h>
#include <string.h>

#include "semihosting.h"

extern uint8_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_high[];

int main(void);
void reset(void);

// Nothing in this firmware raises an exception on purpose; one that comes is a bug, and the emulator ends with its
// number as exit status instead of hanging.
static void unexpected(void) {
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    semihosting_exit(number);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_high, (void *)reset,      (void *)unexpected, (void *)unexpected, (void *)unexpected, (void *)unexpected,
    (void *)unexpected, 0,          0,                  0,                  0,                  (void *)unexpected,
    (void *)unexpected, 0,          (void *)unexpected, (void *)unexpected,
};

void reset(void) {
    volatile uint32_t *const CPACR = (volatile uint32_t *)0xE000ED88;
    *CPACR |= 0xFu << 20;  // full access to the FPU (coprocessors 10 and 11)
    __asm__ volatile("dsb\n isb");
    memcpy(data_start, data_load, (size_t)(data_end - data_start));
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
    main();
}
