// What an inference costs: the core's performance counter, which counts cycles of the CPU.
#pragma once
#include <stdint.h>

// Starts the counter, and says what it counts: "cycles", or "instructions" in an emulator whose cycles are those.
const char *counter_init(void);
uint32_t counter_read(void);
