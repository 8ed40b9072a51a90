// The board's line to the host. Two implementations, one of which is linked in: link_uart.c and link_usb.c.
// Bytes that come are kept for link_read() while the model runs.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rp2040.h"

// LINK_IRQ, its interrupt, and LINK_BAUD, its speed after link_init() or 0 where it has none, come from the board table.
enum { LINK_BUFFER_BYTES = 4096 };

void link_init(void);
void link_set_baud(uint32_t baud);
size_t link_read(uint8_t *data, size_t capacity);
void link_write(const uint8_t *data, size_t size);
void link_interrupt(void);
bool link_is_open(void);  // whether what is written goes anywhere
