// The board's line to the host. Two implementations, one of which is linked in: line_uart.c and line_usb.c. LINE_BAUD, its
// speed after line_init() or 0 where it has none, comes from the board table.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LINE_BUFFER_BYTES = 4096 };  // kept while the model runs, or held back by the host

void line_init(void);
void line_set_baud(uint32_t baud);

// What there is; returns at once.
size_t line_read(uint8_t *data, size_t capacity);
void line_write(const uint8_t *data, size_t size);
