#include "stack.h"

#include <stddef.h>

#include "board.h"

enum { PAINT = 0xA5, OWN_FRAME_BYTES = 64 };

void stack_paint(void) {
    if (board.stack == NULL) return;
    // volatile: neither the address of the local nor the stores below it may be reasoned away.
    volatile uint8_t here = 0;
    const uintptr_t free_bytes = (uintptr_t)&here - (uintptr_t)board.stack - OWN_FRAME_BYTES;
    volatile uint8_t *stack = board.stack;
    for (uintptr_t i = 0; i < free_bytes; i++) stack[i] = PAINT;
}

uint32_t stack_used_bytes(void) {
    if (board.stack == NULL) return 0;
    uint32_t untouched = 0;
    while (untouched < board.stack_bytes && board.stack[untouched] == PAINT) untouched++;
    return board.stack_bytes - untouched;
}
