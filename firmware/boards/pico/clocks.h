// Clocks of the RP2040: 125 MHz for processor and UART, 48 MHz for USB, 1 MHz for the watchdog, all from the 12 MHz crystal.
#pragma once

enum { SYSTEM_HZ = 125000000 };

// After a reset, when everything still runs from the ring oscillator.
void clocks_init(void);

// Takes peripherals out of reset, by their bits of RESETS; returns when they can be used.
void peripherals_start(unsigned bits);
