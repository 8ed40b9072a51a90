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
    MEASURED = 1000 * TIMER_MHZ,  // ticks
    WAITED = 100000,  // reads of a register, which last longer than what is waited for
};

static uint32_t timer_ticks(void) {
    SYSTEM_TIMER->request = TIMER_LATCH;
    for (uint32_t reads = 0; reads < WAITED && !(SYSTEM_TIMER->request & TIMER_VALID); reads++) {
    }
    return SYSTEM_TIMER->count;
}

// Megahertz of the CPU, rounded; 0 where the timer or the counter stands still.
__attribute__((noinline)) static uint32_t measure(void) {
    SYSTEM_TIMER->configuration |= TIMER_RUNS;
    const uint32_t first = timer_ticks(), counted = counter_read();
    uint32_t ticks = 0;
    for (uint32_t reads = 0; reads < WAITED && ticks < MEASURED; reads++) ticks = timer_ticks() - first;
    const uint32_t cycles = counter_read() - counted;
    return ticks < MEASURED ? 0 : (cycles * TIMER_MHZ + ticks / 2) / ticks;
}

uint32_t clocks_init(void) {
    RTC_OPTIONS &= ~(uint32_t)PLL_OFF;
    CPU_CONFIGURATION = (CPU_CONFIGURATION & ~(uint32_t)CPU_OF_PLL) | CPU_160_MHZ | PLL_480_MHZ;
    CLOCK_CONFIGURATION = (CLOCK_CONFIGURATION & ~(uint32_t)SOURCE) | SOURCE_PLL;
    for (int tries = 0; tries < 3; tries++) {  // the first time the code itself comes slowly, out of the flash
        const uint32_t mhz = measure();
        if (mhz >= 144 && mhz <= 176) return PLL_CPU_HZ;
    }
    CLOCK_CONFIGURATION &= ~(uint32_t)(SOURCE | CRYSTAL_DIVIDER);
    return CRYSTAL_HZ;
}
