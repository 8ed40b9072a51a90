// What counts time on the emulated board, TIMER_HZ ticks a second from the registers at TIMER_BASE. Two implementations, one
// of which is linked in: counter_cmsdk.c and counter_sse.c.
#pragma once
#include <stdint.h>

void counter_init(void);

// Ticks, modulo 2^32.
uint32_t counter_read(void);
