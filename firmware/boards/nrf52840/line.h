// The serial line: the chip's UART on the pins TX_PIN and RX_PIN of the board's entry in the table of boards. Of the chip's
// two ways to a UART it is the one without DMA: its bytes come one at a time, and DMA says how many came only at its end. An
// interrupt a byte fills a buffer, so that nothing is lost while the model runs.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LINE_BAUD = 115200, LINE_BUFFER_BYTES = 4096 };

void line_init(void);

// 1 Mbaud at most.
void line_set_baud(uint32_t baud);

// Returns what there is.
size_t line_read(uint8_t *data, size_t capacity);
void line_write(const uint8_t *data, size_t size);
