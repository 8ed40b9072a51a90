// Reset and exceptions of the RP2040's first core; the second stays asleep in the boot ROM.
#include "counter.h"
#include "link.h"
#include "rp2040.h"
#include "shared/memory.h"
#include "watchdog.h"

extern uint8_t stack_high[];

int main(void);
void reset(void);

// A fault, or an interrupt that nothing here asks for. The processor left eight registers on the stack (ARMv6-M B1.5.6).
__attribute__((naked)) static void fault(void) { __asm__ volatile("mrs r0, msp\n bl watchdog_keep_fault"); }

__attribute__((section(".vectors"), used)) const void *const vectors[16 + IRQS] = {
    [0] = stack_high,
    [1] = (const void *)reset,
    [2 ... 14] = (const void *)fault,
    [15] = (const void *)counter_wrapped,
    [16 ... 15 + LINK_IRQ] = (const void *)fault,
    [16 + LINK_IRQ] = (const void *)link_interrupt,
    [17 + LINK_IRQ ... 15 + IRQS] = (const void *)fault,
};

void reset(void) {
    memory_init();
    main();
}
