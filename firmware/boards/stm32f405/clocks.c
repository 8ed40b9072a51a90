#include "clocks.h"

#include <stdbool.h>

#include "chip.h"

enum {
    HSI_HZ = 16000000,
    PLL_M = 8,  // the PLL takes 2 MHz,
    PLL_N = 168,  // multiplies them to 336 MHz,
    PLL_P = 2,  // and halves those
    PLL_Q = 7,  // 48 MHz for USB, which nobody uses
    CPU_HZ = HSI_HZ / PLL_M * PLL_N / PLL_P,
    WAITED = 100000,  // reads of a register: at 16 MHz some 40 ms, and the slowest of all takes 0.3
};

enum {
    HSI_ON = 1u << 0,
    HSI_READY = 1u << 1,
    PLL_ON = 1u << 24,
    PLL_READY = 1u << 25,
    PLL_RESERVED = 0xF0BC8000u,
    FROM_PLL = 2,
    TAKES_FROM = 3u << 2,
    TAKES_FROM_PLL = FROM_PLL << 2,
    APB1_QUARTER = 5u << 10,
    APB2_HALF = 4u << 13,
    POWER_ENABLE = 1u << 28,
    FULL_VOLTAGE = 1u << 14,
    WAIT_STATES_5 = 5,  // above 150 MHz, at 2.7 V and more
    WAIT_STATES = 7,
    PREFETCH = 1u << 8,
    INSTRUCTION_CACHE = 1u << 9,
    DATA_CACHE = 1u << 10,
    REVISION_A = 0x1000,  // whose prefetch does not work (errata ES0182)
};

static bool becomes(const volatile uint32_t *reg, uint32_t mask, uint32_t value) {
    for (int32_t reads = 0; reads < WAITED; reads++) {
        if ((*reg & mask) == value) return true;
    }
    return false;
}

// A boot loader that comes here leaves clocks of its own.
static bool back_to_oscillator(void) {
    RCC->control |= HSI_ON;
    if (!becomes(&RCC->control, HSI_READY, HSI_READY)) return false;
    RCC->configuration = 0;
    if (!becomes(&RCC->configuration, TAKES_FROM, 0)) return false;
    RCC->control &= ~(uint32_t)PLL_ON;
    return becomes(&RCC->control, PLL_READY, 0);
}

static bool start_pll(void) {
    RCC->apb1_enable |= POWER_ENABLE;
    PWR_CONTROL |= FULL_VOLTAGE;
    RCC->pll = (RCC->pll & PLL_RESERVED) | PLL_M | PLL_N << 6 | (PLL_P / 2 - 1) << 16 | PLL_Q << 24;
    RCC->control |= PLL_ON;
    return becomes(&RCC->control, PLL_READY, PLL_READY);
}

static bool slow_flash_down(void) {
    const uint32_t prefetch = DEVICE_ID >> 16 == REVISION_A ? 0 : PREFETCH;
    FLASH_ACCESS = WAIT_STATES_5 | INSTRUCTION_CACHE | DATA_CACHE | prefetch;
    return becomes(&FLASH_ACCESS, WAIT_STATES, WAIT_STATES_5);
}

chip_clocks clocks_init(void) {
    const chip_clocks oscillator = {HSI_HZ, HSI_HZ}, pll = {CPU_HZ, CPU_HZ / 2};
    if (!back_to_oscillator() || !start_pll() || !slow_flash_down()) return oscillator;
    RCC->configuration = APB1_QUARTER | APB2_HALF;
    RCC->configuration = APB1_QUARTER | APB2_HALF | FROM_PLL;
    if (becomes(&RCC->configuration, TAKES_FROM, TAKES_FROM_PLL)) return pll;
    RCC->configuration = 0;
    return oscillator;
}
