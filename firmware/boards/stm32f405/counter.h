// What an inference costs, counted by whatever the chip or its emulator has.
#pragma once
#include <stdint.h>

// Starts the counter that works here, and says what it counts.
const char *counter_init(void);
uint32_t counter_read(void);
