// Reset of a bare Cortex-M with an FPU: memory as C expects it, the FPU on, then main(). Nothing in this firmware raises
// an exception on purpose; one that comes is a bug, and the board's.
#pragma once

// The handler of every exception that is no interrupt of the board's. Does not return.
void unexpected_exception(void);
