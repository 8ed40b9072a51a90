// What resets the board when its program cannot go on, and what is said about it afterwards.
//
// A fault keeps its address and resets at once. Where not even that is possible (a fault within a fault, such as a stack
// that has run out of RAM), the watchdog resets after 8 seconds. The program is also taken for stuck when it has not come
// back to its main loop for five minutes, which no inference takes.
#pragma once
#include <stdint.h>

// Once, when the clocks run.
void watchdog_init(void);

// From the main loop.
void watchdog_main_loop(void);

// Several times in 8 seconds, from an interrupt: an inference may take longer than the watchdog can wait.
void watchdog_feed(void);

// Sends a log line when a fault or the watchdog was what reset the board, and waits up to five seconds for a host to hear it.
void watchdog_report(void);

// Before another program takes over, which will not feed it.
void watchdog_stop(void);

// `frame` (8,): the registers that the processor left on the stack. Resets.
__attribute__((noreturn)) void watchdog_keep_fault(const uint32_t *frame);
