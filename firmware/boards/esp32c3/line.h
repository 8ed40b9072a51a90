// The serial line: UART0 on GPIO21 (TX) and GPIO20 (RX), which on boards with a USB bridge lead to it, and which the boot
// ROM listens at, too. An interrupt fills a buffer, so that nothing is lost while the model runs.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LINE_BAUD = 115200, LINE_BUFFER_BYTES = 4096 };

void line_init(void);
void line_set_baud(uint32_t baud);

// What there is; returns at once.
size_t line_read(uint8_t *data, size_t capacity);
void line_write(const uint8_t *data, size_t size);
