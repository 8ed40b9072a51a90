#include "cortex_m/startup.h"

#include "shared/memory.h"

extern uint8_t stack_high[];

int main(void);
void reset(void);

#define UNEXPECTED (void *)unexpected_exception

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_high, (void *)reset,      UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
    UNEXPECTED, 0,          0,                  0,                  0,                  UNEXPECTED,
    UNEXPECTED, 0,          UNEXPECTED, UNEXPECTED,
};

void reset(void) {
    volatile uint32_t *const VTOR = (volatile uint32_t *)0xE000ED08, *const CPACR = (volatile uint32_t *)0xE000ED88;
    *VTOR = (uint32_t)(uintptr_t)vectors;  // a boot loader that comes here leaves its own
    *CPACR |= 0xFu << 20;                  // full access to the FPU (coprocessors 10 and 11)
    __asm__ volatile("dsb\n isb");
    memory_init();
    main();
}
