#include "line.h"

#include "chip.h"
#include "cortex_m/startup.h"

enum {
    OUTPUT = 1u << 0,
    INPUT = 0u,
    PULL_UP = 3u << 2,
    NOT_CONNECTED = 1u << 31,
    UART_OFF = 0,
    UART_ON = 4,
    TELL_RECEIVED = 1u << 2,
    CLOCK_HZ = 16000000,
    BAUD_STEP = 0x1000,
    AFTER_WATCHDOG = 0xE0,  // priority: a program that hangs in this interrupt is still told of
};

static uint8_t buffer[LINE_BUFFER_BYTES];
static uint32_t received, taken;  // bytes so far, modulo 2^32

// Reading the byte lets the next one in, and that sets the event again: it is forgotten before.
static void take_bytes(void) {
    while (UART_RECEIVED) {
        UART_RECEIVED = 0;
        const uint8_t byte = (uint8_t)UART_RX;
        if (received - taken < LINE_BUFFER_BYTES) buffer[received++ % LINE_BUFFER_BYTES] = byte;
    }
}

#define UNEXPECTED unexpected_exception

// That of the watchdog is as unexpected as a fault, and told of as one.
__attribute__((section(".vectors.interrupts"), used)) static void (*const interrupts[WATCHDOG_INTERRUPT + 1])(void) = {
    UNEXPECTED, UNEXPECTED, take_bytes, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
    UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
};

void line_init(void) {
    PIN_SET(TX_PIN) = PIN_BIT(TX_PIN);  // as between two bytes, while the UART does not drive it
    PIN_CONFIG(TX_PIN) = OUTPUT;
    PIN_CONFIG(RX_PIN) = INPUT | PULL_UP;  // where nothing is connected, nothing is received
    UART_ENABLE = UART_OFF;                // a boot loader leaves settings of its own
    UART_TX_PIN = TX_PIN;
    UART_RX_PIN = RX_PIN;
    UART_RTS_PIN = NOT_CONNECTED;
    UART_CTS_PIN = NOT_CONNECTED;
    UART_CONFIG = 0;  // 8 bits, no parity, no flow control
    line_set_baud(LINE_BAUD);
    UART_TELL_NOT = UINT32_MAX;
    UART_TELL = TELL_RECEIVED;
    NVIC_PRIORITY[UART_INTERRUPT] = AFTER_WATCHDOG;
    NVIC_ENABLE[UART_INTERRUPT / 32] = 1u << UART_INTERRUPT % 32;
}

// The register holds 2^32 times the bits of a cycle of the UART's clock, in steps.
void line_set_baud(uint32_t baud) {
    UART_STOP_TX = 1;
    UART_STOP_RX = 1;
    UART_ENABLE = UART_OFF;
    UART_BAUD = (uint32_t)((((uint64_t)baud << 32) / CLOCK_HZ + BAUD_STEP / 2) / BAUD_STEP * BAUD_STEP);
    UART_ENABLE = UART_ON;
    UART_RECEIVED = 0;
    UART_START_TX = 1;
    UART_START_RX = 1;
}

size_t line_read(uint8_t *data, size_t capacity) {
    __asm__ volatile("cpsid i" ::: "memory");
    take_bytes();
    size_t size = 0;
    while (size < capacity && received != taken) data[size++] = buffer[taken++ % LINE_BUFFER_BYTES];
    __asm__ volatile("cpsie i" ::: "memory");
    return size;
}

// Ends with the last bit: a byte is said to be sent when all of it is.
void line_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        UART_SENT = 0;
        UART_TX = data[i];
        while (!UART_SENT) {
        }
    }
}
