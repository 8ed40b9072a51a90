// The independent watchdog. In QEMU there is no such thing.
#pragma once

// Tells, once, where it led to this start.
void watchdog_report(void);

// From now on the chip is reset where watchdog_feed() is not called for 22 s or longer: its oscillator is a coarse one, and
// half a minute is what it should be.
void watchdog_start(void);
void watchdog_feed(void);
