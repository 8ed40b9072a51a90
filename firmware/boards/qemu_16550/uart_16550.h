// Driver of the 16550 UART that several emulated boards have. UART_16550_BASE and UART_16550_STRIDE (bytes from one
// register to the next) come from the board table. Needs no set-up: an emulated line has no speed.
#pragma once
#include <stddef.h>
#include <stdint.h>

static inline volatile uint8_t *uart_16550_register(unsigned index) {
    return (volatile uint8_t *)(uintptr_t)(UART_16550_BASE + index * UART_16550_STRIDE);
}

enum { UART_16550_DATA = 0, UART_16550_FIFO_CONTROL = 2, UART_16550_LINE_STATUS = 5 };
enum { UART_16550_FIFO_ENABLE = 1u << 0, UART_16550_DATA_READY = 1u << 0, UART_16550_TX_EMPTY = 1u << 5 };

static inline void uart_16550_init(void) { *uart_16550_register(UART_16550_FIFO_CONTROL) = UART_16550_FIFO_ENABLE; }

static inline size_t uart_16550_read(uint8_t *data, size_t capacity) {
    size_t size = 0;
    while (size < capacity && (*uart_16550_register(UART_16550_LINE_STATUS) & UART_16550_DATA_READY)) {
        data[size++] = *uart_16550_register(UART_16550_DATA);
    }
    return size;
}

static inline void uart_16550_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (!(*uart_16550_register(UART_16550_LINE_STATUS) & UART_16550_TX_EMPTY)) {
        }
        *uart_16550_register(UART_16550_DATA) = data[i];
    }
}
