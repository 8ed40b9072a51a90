#include "watchdog.h"

#include "chip.h"
#include "log.h"

enum { WATCHDOG_RESET = 1u << 29, FORGET_RESETS = 1u << 24 };

enum { WATCHDOG_START = 0xCCCC, WATCHDOG_SET = 0x5555, WATCHDOG_FEED = 0xAAAA, DIVIDE_BY_256 = 6, LONGEST = 4095 };

void watchdog_report(void) {
    if (RCC->status & WATCHDOG_RESET) log_send("the watchdog reset the chip: the firmware hung for half a minute");
    RCC->status |= FORGET_RESETS;
}

void watchdog_start(void) {
    IWDG->key = WATCHDOG_START;
    IWDG->key = WATCHDOG_SET;
    IWDG->prescaler = DIVIDE_BY_256;  // of some 32 kHz
    IWDG->reload = LONGEST;
    for (int32_t reads = 0; reads < 100000 && IWDG->status != 0; reads++) {
    }
    watchdog_feed();
}

void watchdog_feed(void) { IWDG->key = WATCHDOG_FEED; }
