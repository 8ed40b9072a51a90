#include "watchdog.h"

#include <stdint.h>

#include "chip.h"
#include "log.h"

static const uint32_t KEY = 0x50D83AA1, SUPER_KEY = 0x8F1D312A;

enum {
    FEED = 1u << 31,
    ON = 1u << 31,
    FIRST_STAGE_RESETS = 3u << 28,  // the digital core, and not the memory of the real-time clock
    LONG_RESET = 7u << 16 | 7u << 13,
    SLOW_CLOCK_HZ = 136000,
    HELD = 5 * 60 * SLOW_CLOCK_HZ / 2,  // the chip doubles it
    FEEDS_ITSELF = 1u << 31,
    TAKE_OVER = 1u << 22,
    RESET_CAUSE = 0x3F,
    WATCHDOG_RESET = 0x09,
};

static void set_watchdog(uint32_t control) {
    RTC_WATCHDOG->protect = KEY;
    RTC_WATCHDOG->hold[0] = HELD;
    RTC_WATCHDOG->control = control;
    RTC_WATCHDOG->feed = FEED;
    RTC_WATCHDOG->protect = 0;
}

void watchdogs_stop(void) {
    set_watchdog(0);
    GROUP_WATCHDOG_PROTECT = KEY;
    GROUP_WATCHDOG = TAKE_OVER;
    GROUP_WATCHDOG_PROTECT = 0;
    SUPER_WATCHDOG_PROTECT = SUPER_KEY;
    SUPER_WATCHDOG |= FEEDS_ITSELF;
    SUPER_WATCHDOG_PROTECT = 0;
}

void watchdog_start(void) { set_watchdog(ON | FIRST_STAGE_RESETS | LONG_RESET); }

void watchdog_feed(void) {
    RTC_WATCHDOG->protect = KEY;
    RTC_WATCHDOG->feed = FEED;
    RTC_WATCHDOG->protect = 0;
}

void watchdog_report(void) {
    if ((RTC_RESET_STATE & RESET_CAUSE) == WATCHDOG_RESET) {
        log_send("the watchdog reset the chip: the firmware hung for five minutes");
    }
}
