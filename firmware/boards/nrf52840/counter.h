// What an inference costs, counted by the core.
#pragma once
#include <stdint.h>

// Starts the counter, and says what it counts: cycles, or in an emulator instructions.
const char *counter_init(void);
uint32_t counter_read(void);
