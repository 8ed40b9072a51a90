// The serial line: USART1 on PA9 (TX) and PA10 (RX), the pins at which the chip's boot loader listens, too. An interrupt a
// byte fills a buffer, so that nothing is lost while the model runs.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LINE_BAUD = 115200, LINE_BUFFER_BYTES = 4096 };

void line_init(uint32_t usart_hz);
void line_set_baud(uint32_t baud);

// Returns what there is, or sleeps until something comes, 0.1 s at most at 168 MHz.
size_t line_read(uint8_t *data, size_t capacity);
void line_write(const uint8_t *data, size_t size);
