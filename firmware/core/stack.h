// High-water mark of the stack that board.stack describes: painted once, looked at later.
#pragma once
#include <stdint.h>

// Paints the part of the stack that is not in use. Call early and from a shallow place.
void stack_paint(void);

// Deepest use since stack_paint() in bytes; 0 where the board does not say where its stack is.
uint32_t stack_used_bytes(void);
