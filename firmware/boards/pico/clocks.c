#include "clocks.h"

#include "rp2040.h"

enum {
    CRYSTAL_MHZ = 12,
    CRYSTAL_STARTUP = CRYSTAL_MHZ * 1000 / 256 + 1,  // in units of 256 periods: 1 ms
    XOSC_1_TO_15_MHZ = 0xAA0,
    XOSC_ENABLE = 0xFABu << 12,
    XOSC_STABLE = 1u << 31,
    PLL_LOCKED = 1u << 31,
    PLL_OFF = 1u << 0,
    PLL_POST_DIVIDERS_OFF = 1u << 3,
    PLL_OSCILLATOR_OFF = 1u << 5,
    REF_FROM_XOSC = 2,
    SYS_FROM_PLL = 1,  // as the auxiliary source, which after a reset is PLL_SYS
    CLOCK_ENABLE = 1u << 11,
};

void peripherals_start(unsigned bits) {
    clear_bits(&RESETS_RESET, bits);
    while ((RESETS_DONE & bits) != bits) {
    }
}

// 12 MHz * feedback / (first * second); the product before the division has to be 750 to 1,600 MHz.
static void start_pll(rp2040_pll *pll, uint32_t feedback, uint32_t first, uint32_t second) {
    pll->feedback = feedback;
    clear_bits(&pll->power, PLL_OFF | PLL_OSCILLATOR_OFF);
    while (!(pll->status & PLL_LOCKED)) {
    }
    pll->post_dividers = first << 16 | second << 12;
    clear_bits(&pll->power, PLL_POST_DIVIDERS_OFF);
}

void clocks_init(void) {
    XOSC_STARTUP = CRYSTAL_STARTUP;
    XOSC_CTRL = XOSC_ENABLE | XOSC_1_TO_15_MHZ;
    while (!(XOSC_STATUS & XOSC_STABLE)) {
    }
    peripherals_start(RESET_PLL_SYS | RESET_PLL_USB);
    start_pll(PLL_SYS, 125, 6, 2);
    start_pll(PLL_USB, 100, 5, 5);

    CLK_REF_CTRL = REF_FROM_XOSC;
    while (!(CLK_REF_SELECTED & 1u << REF_FROM_XOSC)) {
    }
    CLK_SYS_CTRL = SYS_FROM_PLL;
    while (!(CLK_SYS_SELECTED & 1u << SYS_FROM_PLL)) {
    }
    CLK_PERI_CTRL = CLOCK_ENABLE;  // the system's clock
    CLK_USB_CTRL = CLOCK_ENABLE;   // PLL_USB
    WATCHDOG->tick = WATCHDOG_TICK | CRYSTAL_MHZ;
}
