// The line over the chip's own UART0 (Arm CMSDK APB UART, Cortex-M System Design Kit TRM), one register access a byte.
// The emulator holds the next byte back until this one is read, so nothing is lost while the model runs.
#include "link.h"

typedef struct {
    volatile uint32_t data, state, control, interrupt, baud_divider;
} cmsdk_uart;

static const uint32_t CLOCK_HZ = 25000000;

enum { TX_FULL = 1u << 0, RX_FULL = 1u << 1, TX_ENABLE = 1u << 0, RX_ENABLE = 1u << 1 };

static cmsdk_uart *const uart = (cmsdk_uart *)0x40004000;

void link_init(void) {
    link_set_baud(LINK_BAUD);
    uart->control = TX_ENABLE | RX_ENABLE;
}

// The divider has to be 16 or more: 1.5 Mbaud at most. What was written has left when the transmitter can take more.
void link_set_baud(uint32_t baud) {
    while (uart->state & TX_FULL) {
    }
    uart->baud_divider = (CLOCK_HZ + baud / 2) / baud;
}

size_t link_read(uint8_t *data, size_t capacity) {
    size_t size = 0;
    while (size < capacity && (uart->state & RX_FULL)) data[size++] = (uint8_t)uart->data;
    return size;
}

void link_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (uart->state & TX_FULL) {
        }
        uart->data = data[i];
    }
}
