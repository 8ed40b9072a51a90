// What stops the program, and where: kept over the reset that follows, and told in a log line by the next start.
#pragma once

// Tells, once, of the fault or of the watchdog that led to this start. Before anything that could fail again.
void fault_report(void);

// From now on the chip is reset where watchdog_feed() is not called for 22 s or longer: its oscillator is a coarse one, and
// half a minute is what it should be. In QEMU there is no such thing.
void watchdog_start(void);
void watchdog_feed(void);
