// The bytes that came over either line, until link_read() takes them: put by its interrupt, taken by the main loop.
#pragma once
#include <stddef.h>
#include <stdint.h>

size_t received_room(void);  // for so many more bytes
void received_put(uint8_t byte);

// At most `capacity` of them; where there are none, the processor sleeps until an interrupt first.
size_t received_take(uint8_t *data, size_t capacity);
