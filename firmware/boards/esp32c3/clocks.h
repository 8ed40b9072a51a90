// The clock of the CPU: 160 MHz of the PLL, or the crystal's 40 MHz. That of the line is the crystal's in any case.
#pragma once
#include <stdint.h>

enum { CRYSTAL_HZ = 40000000, PLL_CPU_HZ = 160000000 };

// Takes the CPU to the PLL, measures what that gives by the timer of the system, which runs from the crystal, and goes back
// to the crystal where it is not 160 MHz. Needs the counter. Returns the clock.
uint32_t clocks_init(void);
