// The clocks of the chip: 168 MHz out of its own oscillator of 16 MHz, so that no crystal has to be there. That oscillator
// is off by 1 % at most at 25 degrees Celsius and 4 % between -10 and 85 (data sheet); a UART bears 3.3 %.
#pragma once
#include <stdint.h>

typedef struct {
    uint32_t cpu_hz;
    uint32_t usart_hz;  // of APB2, which USART1 is on
} chip_clocks;

// Starts the PLL, the flash's wait states and its cache; says which clock runs then. Every wait has a bound: where
// something does not come, the CPU stays at the oscillator's 16 MHz. In QEMU, which has neither, that is what happens.
chip_clocks clocks_init(void);
