#include "watchdog.h"

#include "chip.h"
#include "log.h"

enum { WATCHDOG_RESET = 1u << 1, TIMEOUT = 1u << 0, WHILE_ASLEEP = 1u << 0, SECONDS = 5 * 60, CLOCK_HZ = 32768 };

static const uint32_t FEED = 0x6E524635;

void watchdog_report(void) {
    if (RESET_REASONS & WATCHDOG_RESET) log_send("the watchdog reset the chip: the firmware hung for five minutes");
    RESET_REASONS = UINT32_MAX;
}

// Between the interrupt and the reset are two cycles of its clock, 61 us.
void watchdog_start(void) {
    WATCHDOG_CONFIG = WHILE_ASLEEP;
    WATCHDOG_RELOAD = SECONDS * CLOCK_HZ - 1;
    WATCHDOG_FEEDERS = 1;
    WATCHDOG_TELL = TIMEOUT;
    NVIC_ENABLE[WATCHDOG_INTERRUPT / 32] = 1u << WATCHDOG_INTERRUPT % 32;
    WATCHDOG_START = 1;
    watchdog_feed();
}

void watchdog_feed(void) { WATCHDOG_FEED = FEED; }
