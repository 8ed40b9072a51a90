// The emulated board's serial line. Two implementations, one of which is linked in: link_semihosting.c and link_uart.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

// LINK_BAUD, its speed after link_init(), comes from the board table; 0 where it has none.
void link_init(void);
void link_set_baud(uint32_t baud);
size_t link_read(uint8_t *data, size_t capacity);
void link_write(const uint8_t *data, size_t size);
