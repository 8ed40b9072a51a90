#include "counter.h"

#include <stdbool.h>

#include "chip.h"

enum { TRACE_ENABLE = 1u << 24, CYCLES_ENABLE = 1u << 0, TIM2_ENABLE = 1u << 0, TIMER_ON = 1u << 0, UPDATE = 1u << 0 };

static bool has_cycles;

static uint32_t ticks_of_rounds(uint32_t rounds) {
    const uint32_t start = TIM2->count;
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(rounds) : : "cc");
    return TIM2->count - start;
}

const char *counter_init(void) {
    DEBUG_CONTROL |= TRACE_ENABLE;
    DWT_CONTROL |= CYCLES_ENABLE;
    const uint32_t before = DWT_CYCLES;
    __asm__ volatile("nop\n nop\n nop\n nop");
    has_cycles = DWT_CYCLES != before;
    if (has_cycles) return "cycles";
    // QEMU's core has no such counter. Its TIM2 counts the nanoseconds of its clock, which with `-icount shift=0` are
    // the instructions: ten thousand rounds of two are twenty thousand ticks, give or take what is around them.
    RCC->apb1_enable |= TIM2_ENABLE;
    TIM2->prescaler = 0;
    TIM2->reload = UINT32_MAX;
    TIM2->event = UPDATE;
    TIM2->control_1 = TIMER_ON;
    const uint32_t few = ticks_of_rounds(1000), many = ticks_of_rounds(11000);
    return many - few - 19990 <= 20 ? "instructions" : "nanoseconds";
}

uint32_t counter_read(void) { return has_cycles ? DWT_CYCLES : TIM2->count; }
