// What stops the program, and where: kept over the reset that follows, and told in a log line by the next start.
#pragma once
#include <stdint.h>

// Tells, once, of the fault that led to this start. Before anything that could fail again.
void fault_report(void);

// From the exception handler: `caller` is the return address that the program had.
__attribute__((noreturn)) void fault_keep(uint32_t caller);

// The board's reset.
__attribute__((noreturn)) void board_reset(void);
