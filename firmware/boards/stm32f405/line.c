#include "line.h"

#include "chip.h"
#include "cortex_m/startup.h"

enum {
    TX_PIN = 9,
    RX_PIN = 10,
    GPIOA_ENABLE = 1u << 0,
    USART1_ENABLE = 1u << 4,
    USART1_INTERRUPT = 37,
    ALTERNATE = 2,
    PULL_UP = 1,
    USART_FUNCTION = 7,
    OVERRUN = 1u << 3,
    RECEIVED = 1u << 5,
    SENT_ALL = 1u << 6,
    CAN_SEND = 1u << 7,
    RECEIVER = 1u << 2,
    TRANSMITTER = 1u << 3,
    TELL_RECEIVED = 1u << 5,
    USART_ON = 1u << 13,
    TICKING = 7u,  // SysTick: on, with its exception, at the CPU's clock
    LONGEST_TICK = 0xFFFFFF,
    FORGET_TICK = 1u << 25,
    LOOKS_BEFORE_SLEEP = 20000,  // some milliseconds: waking up for every byte takes an emulator ten times as long
};

static uint32_t clock_hz;
static uint8_t buffer[LINE_BUFFER_BYTES];
static volatile uint32_t received, taken;  // bytes so far, modulo 2^32

// QEMU 7.2 forgets the interrupt of a byte that it brings while the one before is taken: all that are there are taken here.
static void take_bytes(void) {
    while (USART1->status & (RECEIVED | OVERRUN)) {
        const uint8_t byte = (uint8_t)USART1->data;  // which also forgets an overrun; the frame's check finds what is missing
        if (received - taken < LINE_BUFFER_BYTES) {
            buffer[received % LINE_BUFFER_BYTES] = byte;
            received++;
        }
    }
}

#define UNEXPECTED unexpected_exception

__attribute__((section(".vectors.interrupts"), used)) static void (*const interrupts[USART1_INTERRUPT + 1])(void) = {
    UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
    UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
    UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
    UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED,
    UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, UNEXPECTED, take_bytes,
};

static void set_field(volatile uint32_t *reg, unsigned bits, unsigned field, uint32_t value) {
    const uint32_t mask = ((1u << bits) - 1) << (bits * field);
    *reg = (*reg & ~mask) | value << (bits * field);
}

void line_init(uint32_t usart_hz) {
    clock_hz = usart_hz;
    RCC->ahb1_enable |= GPIOA_ENABLE;
    RCC->apb2_enable |= USART1_ENABLE;
    RCC->apb2_reset |= USART1_ENABLE;  // a boot loader leaves settings of its own
    RCC->apb2_reset &= ~(uint32_t)USART1_ENABLE;
    set_field(&GPIOA->pull, 2, RX_PIN, PULL_UP);  // where nothing is connected, nothing is received
    set_field(&GPIOA->function[1], 4, TX_PIN - 8, USART_FUNCTION);
    set_field(&GPIOA->function[1], 4, RX_PIN - 8, USART_FUNCTION);
    set_field(&GPIOA->mode, 2, TX_PIN, ALTERNATE);
    set_field(&GPIOA->mode, 2, RX_PIN, ALTERNATE);
    line_set_baud(LINE_BAUD);
    USART1->control_1 = USART_ON | TRANSMITTER | RECEIVER | TELL_RECEIVED;
    NVIC_ENABLE[USART1_INTERRUPT / 32] = 1u << USART1_INTERRUPT % 32;
}

// 16 samples a bit: the divider has to be 16 or more, which is 5.25 Mbaud at most.
void line_set_baud(uint32_t baud) {
    while (!(USART1->status & SENT_ALL)) {
    }
    USART1->baud = (clock_hz + baud / 2) / baud;
}

// Asleep with interrupts held back, a byte that comes just before still wakes the CPU. So does SysTick, whose exception is
// forgotten before anybody could take it.
static void sleep(void) {
    __asm__ volatile("cpsid i" ::: "memory");
    if (received == taken) {
        SYSTICK_RELOAD = LONGEST_TICK;
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = TICKING;
        __asm__ volatile("dsb\n wfi" ::: "memory");
        SYSTICK_CONTROL = 0;
        INTERRUPT_STATE = FORGET_TICK;
    }
    __asm__ volatile("cpsie i\n isb" ::: "memory");
}

size_t line_read(uint8_t *data, size_t capacity) {
    static uint32_t in_vain;
    if (received != taken) {
        in_vain = 0;
    } else if (++in_vain > LOOKS_BEFORE_SLEEP) {
        sleep();
    }
    size_t size = 0;
    while (size < capacity && received != taken) {
        data[size++] = buffer[taken % LINE_BUFFER_BYTES];
        taken++;
    }
    return size;
}

void line_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (!(USART1->status & CAN_SEND)) {
        }
        USART1->data = data[i];
    }
}
