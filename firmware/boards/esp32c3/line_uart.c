// The line over UART0: GPIO21 sends, GPIO20 receives, which on boards with a USB bridge lead to it, and which the boot ROM
// listens at, too. An interrupt fills a buffer, so that nothing is lost while the model runs.
#include "chip.h"
#include "clocks.h"
#include "line.h"
#include "riscv/startup.h"

enum {
    RX_PIN = 20,
    TX_PIN = 21,
    PIN_DRIVE_20_MA = 2u << 10,
    PIN_INPUT = 1u << 9,
    PIN_PULL_UP = 1u << 8,
    UART_CLOCK = 1u << 2,
    UART_MEMORY_CLOCK = 1u << 24,
    UART_RESET = 1u << 2,
    CORE_RESET = 1u << 23,
    CORE_CLOCKS = 3u << 24 | 1u << 22 | 3u << 20,  // on for both directions, and the crystal's
    CORE_DIVIDER_SHIFT = 12,
    UPDATES_ITSELF = 1u << 30,
    UPDATE = 1u << 31,
    FORMAT_8N1 = 3u << 2 | 1u << 4 | 1u << 28,  // and the clock of its memory
    DIVIDER_LIMIT = 4095,
    FIFO_BYTES = 128,
    RECEIVED = 1u << 0,
    TELL_RECEIVED_FROM = 32,  // bytes on: the others are taken when somebody asks
    COUNT_MASK = 0x3FF,
    SENDER_SHIFT = 4,
    SENDER_MASK = 15,
    INTERRUPT = 1,
    ALL_INTERRUPTS = 0xFFFFFFFFu,
    ENABLED_INTERRUPTS = 0x304,  // mie
};

static const uint32_t WAITED = 10000;  // reads of a register
static uint8_t buffer[LINE_BUFFER_BYTES];
static uint32_t received, taken;  // bytes so far, modulo 2^32

static void take_bytes(void) {
    if (!(UART0->status & COUNT_MASK)) return;
    do {
        const uint8_t byte = (uint8_t)UART0->fifo;
        if (received - taken < LINE_BUFFER_BYTES) buffer[received++ % LINE_BUFFER_BYTES] = byte;
    } while (UART0->status & COUNT_MASK);
    UART0->clear = RECEIVED;
}

__attribute__((interrupt("machine"))) void interrupt_1(void) { take_bytes(); }

static void update(void) {
    UART0->update = UPDATE;
    for (uint32_t reads = 0; reads < WAITED && UART0->update & UPDATE; reads++) {
    }
}

// The order is the manual's (UART Controller, Initialization).
static void start_uart(void) {
    PERIPHERAL_CLOCKS |= UART_CLOCK | UART_MEMORY_CLOCK;
    PERIPHERAL_RESETS &= ~(uint32_t)UART_RESET;
    UART0->clock |= CORE_RESET;
    PERIPHERAL_RESETS |= UART_RESET;
    PERIPHERAL_RESETS &= ~(uint32_t)UART_RESET;
    UART0->clock &= ~(uint32_t)CORE_RESET;
    UART0->update &= ~(uint32_t)UPDATES_ITSELF;
}

static void start_interrupt(void) {
    UART0->thresholds = TELL_RECEIVED_FROM;
    UART0->clear = ALL_INTERRUPTS;
    UART0->enable = RECEIVED;
    UART0_MAP = INTERRUPT;
    CPU_INTERRUPT_TYPES = 0;  // by level
    CPU_INTERRUPT_PRIORITY(INTERRUPT) = 1;
    CPU_INTERRUPT_THRESHOLD = 1;
    CPU_INTERRUPTS = 1u << INTERRUPT;
    csr_write(ENABLED_INTERRUPTS, ALL_INTERRUPTS);  // where the core has that, too: the matrix has said which
    __asm__ volatile("csrsi mstatus, 8" ::: "memory");
}

void line_init(void) {
    for (uint32_t reads = 0; reads < WAITED && UART0->status >> 16 & COUNT_MASK; reads++) {
    }  // the boot ROM's last words
    PIN(TX_PIN) = PIN_DRIVE_20_MA;
    PIN(RX_PIN) = PIN_INPUT | PIN_PULL_UP;  // where nothing is connected, nothing is received
    start_uart();
    UART0->format = FORMAT_8N1;
    line_set_baud(LINE_BAUD);
    start_interrupt();
}

// The divider of a bit has 12 bits and 4 behind the point, and a divider of 8 bits before it: from 40 baud to 5 million.
void line_set_baud(uint32_t baud) {
    while (UART0->status >> 16 & COUNT_MASK || UART0->state >> SENDER_SHIFT & SENDER_MASK) {
    }
    const uint32_t before = CRYSTAL_HZ / baud / DIVIDER_LIMIT + 1;
    const uint32_t sixteenths = (uint32_t)((16ull * CRYSTAL_HZ / before + baud / 2) / baud);
    UART0->clock = CORE_CLOCKS | (before - 1) << CORE_DIVIDER_SHIFT;
    UART0->divider = sixteenths / 16 | sixteenths % 16 << 20;
    update();
}

size_t line_read(uint8_t *data, size_t capacity) {
    __asm__ volatile("csrci mstatus, 8" ::: "memory");
    take_bytes();
    size_t size = 0;
    while (size < capacity && received != taken) data[size++] = buffer[taken++ % LINE_BUFFER_BYTES];
    __asm__ volatile("csrsi mstatus, 8" ::: "memory");
    return size;
}

void line_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while ((UART0->status >> 16 & COUNT_MASK) >= FIFO_BYTES) {
        }
        UART0->fifo = data[i];
    }
}
