// Cycles of the processor, as board_counter() has them: SysTick counts 24 bits down, an interrupt at each wrap the others.
#pragma once
#include <stdint.h>

enum { COUNTER_WRAPS_IN_10_S = 75 };  // 125 MHz / 2^24, rounded up

void counter_init(void);

// The interrupt. Feeds the watchdog, and has the board's light blink where that is asked for.
void counter_wrapped(void);
