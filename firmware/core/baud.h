// The speed of the line, on boards whose line has one. A host asks for a faster one; where that does not work, because no
// whole frame comes for longer than two frames take, the line is back at the speed it has after a reset.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Whether the board has a speed to change.
bool baud_can_change(void);

// From the next byte on.
void baud_change(uint32_t baud);

// Call for every byte that came in; `whole` when it ended an undamaged frame.
void baud_watch(bool whole);
