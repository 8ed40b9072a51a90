// The emulated board's serial line. Two implementations, one of which is linked in: link_semihosting.c and link_uart.c.
#pragma once
#include <stddef.h>
#include <stdint.h>

void link_init(void);
size_t link_read(uint8_t *data, size_t capacity);
void link_write(const uint8_t *data, size_t size);
