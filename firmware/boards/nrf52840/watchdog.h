// The chip's watchdog, on its own oscillator. Once started it runs until the chip is reset by its pin, its power, or this.
#pragma once

// Tells, once, where it led to this start.
void watchdog_report(void);

// From now on a program that does not call watchdog_feed() for five minutes is told of as of a fault: exception 32. Where
// that does not come, because interrupts are held back, the chip is reset all the same.
void watchdog_start(void);
void watchdog_feed(void);
