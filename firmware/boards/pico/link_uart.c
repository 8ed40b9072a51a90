// The line over UART0: pin 1 of the board (GPIO0) sends, pin 2 (GPIO1) receives, 3.3 V. No flow control: what comes while
// the buffer is full is lost.
#include "clocks.h"
#include "link.h"
#include "received.h"

enum { TX_PIN = 0, RX_PIN = 1 };

void link_init(void) {
    peripherals_start(RESET_UART0);
    PAD(RX_PIN) = PAD_INPUT | PAD_4_MA | PAD_PULL_UP | PAD_SCHMITT;  // quiet with nothing attached
    GPIO_CTRL(TX_PIN) = FUNCTION_UART;
    GPIO_CTRL(RX_PIN) = FUNCTION_UART;
    link_set_baud(LINK_BAUD);
    UART0->mask = UART_RX_INTERRUPT | UART_RX_TIMEOUT;
    NVIC_ISER = 1u << LINK_IRQ;
}

// The divider has 6 bits behind the point, and has to be 1 or more: 7.8 Mbaud at most.
void link_set_baud(uint32_t baud) {
    while (UART0->flags & UART_BUSY) {
    }
    const uint32_t divider = (4u * SYSTEM_HZ + baud / 2) / baud;
    UART0->control = 0;
    UART0->divider = divider >> 6;
    UART0->fraction = divider & 63;
    UART0->line = UART_8_BITS | UART_FIFOS;  // also takes over the divider
    UART0->control = UART_ENABLE | UART_TX | UART_RX;
}

void link_interrupt(void) {
    while (!(UART0->flags & UART_RX_EMPTY)) {
        const uint8_t byte = (uint8_t)UART0->data;
        if (received_room() > 0) received_put(byte);
    }
    UART0->clear = UART_RX_INTERRUPT | UART_RX_TIMEOUT;
}

bool link_is_open(void) { return true; }

size_t link_read(uint8_t *data, size_t capacity) { return received_take(data, capacity); }

void link_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (UART0->flags & UART_TX_FULL) {
        }
        UART0->data = data[i];
    }
}
