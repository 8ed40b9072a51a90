#include "watchdog.h"

#include <stddef.h>

#include "counter.h"
#include "link.h"
#include "log.h"
#include "rp2040.h"
#include "shared/text.h"

enum {
    // Twice microseconds: the chip counts down by two (erratum RP2040-E1).
    LONGEST_WAIT = 0xFFFFFF,
    LINK_REGISTER = 5,  // in the frame of registers
    ADDRESS = 6,
    FEEDS_IN_VAIN = 5u * 60 * COUNTER_WRAPS_IN_10_S / 10,
    FEEDS_FOR_HOST = 5u * COUNTER_WRAPS_IN_10_S / 10,
};

// In scratch registers, which survive the reset.
enum { MARK, FAULT_ADDRESS, FAULT_LINK };
static const uint32_t RUNNING = 0x72756E21, FAULT = 0x666C7421;

static volatile uint32_t feeds;  // since the last pass of the main loop
static uint32_t mark_before;     // what the program before the reset left
static uint32_t address_before, link_before;

void watchdog_init(void) {
    mark_before = WATCHDOG->scratch[MARK];
    if (mark_before == RUNNING ? !(WATCHDOG->reason & REASON_TIMER) : mark_before != FAULT) mark_before = 0;
    address_before = WATCHDOG->scratch[FAULT_ADDRESS];
    link_before = WATCHDOG->scratch[FAULT_LINK];

    WATCHDOG->scratch[MARK] = RUNNING;
    PSM_WDSEL = PSM_ALL & ~(uint32_t)PSM_OSCILLATORS;
    WATCHDOG->load = LONGEST_WAIT;
    set_bits(&WATCHDOG->control, WATCHDOG_ENABLE);
}

void watchdog_main_loop(void) { feeds = 0; }

void watchdog_feed(void) {
    if (feeds >= FEEDS_IN_VAIN) return;
    feeds++;
    WATCHDOG->load = LONGEST_WAIT;
}

void watchdog_report(void) {
    if (mark_before == 0) return;
    while (!link_is_open() && feeds < FEEDS_FOR_HOST) __asm__ volatile("wfi");
    if (mark_before == FAULT) {
        char text[64], *end = put_hexadecimal(put_text(text, "a fault at "), address_before);
        end = put_text(put_hexadecimal(put_text(end, ", LR "), link_before), ", reset the board");
        *end = '\0';
        log_send(text);
    } else {
        log_send("the watchdog reset the board: its program was stuck, or a fault came within a fault");
    }
    mark_before = 0;
}

void watchdog_stop(void) {
    WATCHDOG->scratch[MARK] = 0;
    clear_bits(&WATCHDOG->control, WATCHDOG_ENABLE);
}

void watchdog_keep_fault(const uint32_t *frame) {
    WATCHDOG->scratch[FAULT_ADDRESS] = frame[ADDRESS];
    WATCHDOG->scratch[FAULT_LINK] = frame[LINK_REGISTER];
    WATCHDOG->scratch[MARK] = FAULT;
    set_bits(&WATCHDOG->control, WATCHDOG_TRIGGER);
    for (;;) {
    }
}
