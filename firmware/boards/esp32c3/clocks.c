#include "clocks.h"

#include "chip.h"
#include "counter.h"

enum {
    PLL_OFF = 1u << 10 | 1u << 8 | 1u << 6,  // the PLL of 480 MHz, and the two ways to its settings
    CPU_OF_PLL = 3,                          // what divides it
    CPU_160_MHZ = 1,
    PLL_480_MHZ = 1u << 2,
    SOURCE = 3u << 10,
    SOURCE_PLL = 1u << 10,
    CRYSTAL_DIVIDER = 0x3FF,  // less 1
    TIMER_RUNS = 1u << 30,
    TIMER_LATCH = 1u << 30,
    TIMER_VALID = 1u << 29,
    TIMER_MHZ = 16,
    ROUNDS = 50000,          // some 100,000 cycles
    BETWEEN = 5 * TIMER_MHZ,  // ticks
    TRIES = 20,
    WAITED = 1000,  // reads of a register
};

static uint32_t timer_ticks(void) {
    SYSTEM_TIMER->request = TIMER_LATCH;
    for (uint32_t reads = 0; reads < WAITED && !(SYSTEM_TIMER->request & TIMER_VALID); reads++) {
    }
    return SYSTEM_TIMER->count;
}

// The counter and the timer at one time; tries again where something came between, such as code out of the flash.
static uint32_t cycles_at(uint32_t *ticks) {
    for (int tries = 0;; tries++) {
        const uint32_t before = timer_ticks(), cycles = counter_read();
        *ticks = timer_ticks();
        if (*ticks - before <= BETWEEN || tries == TRIES) return cycles;
    }
}

// Megahertz of the CPU, rounded; 0 where the timer stands still.
static uint32_t measure(void) {
    uint32_t first, last, rounds = ROUNDS;
    SYSTEM_TIMER->configuration |= TIMER_RUNS;
    const uint32_t start = cycles_at(&first);
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(rounds));
    const uint32_t cycles = cycles_at(&last) - start, ticks = last - first;
    return ticks == 0 ? 0 : (cycles * TIMER_MHZ + ticks / 2) / ticks;
}

uint32_t clocks_init(void) {
    RTC_OPTIONS &= ~(uint32_t)PLL_OFF;
    CPU_CONFIGURATION = (CPU_CONFIGURATION & ~(uint32_t)CPU_OF_PLL) | CPU_160_MHZ | PLL_480_MHZ;
    CLOCK_CONFIGURATION = (CLOCK_CONFIGURATION & ~(uint32_t)SOURCE) | SOURCE_PLL;
    const uint32_t mhz = measure();
    if (mhz >= 144 && mhz <= 176) return PLL_CPU_HZ;
    CLOCK_CONFIGURATION &= ~(uint32_t)(SOURCE | CRYSTAL_DIVIDER);
    return CRYSTAL_HZ;
}
