// The line over the chip's own USB, a serial port in hardware (USB Serial/JTAG Controller): it enumerates by itself, and has
// a buffer of one packet each way. What the chip does not take waits in the host.
#include "chip.h"
#include "line.h"

enum {
    PACKET_BYTES = 63,  // a full packet of 64 would wait in the host for the next one
    SEND = 1u << 0,
    CAN_SEND = 1u << 1,
    RECEIVED = 1u << 2,
    TIMER_LATCH = 1u << 30,
    PATIENCE = 50 * 16000,  // ticks: 50 ms, in which a host takes a packet if anybody has the port open
};

static int is_heard = 1;

void line_init(void) {}

void line_set_baud(uint32_t baud) { (void)baud; }

static uint32_t timer_ticks(void) {
    SYSTEM_TIMER->request = TIMER_LATCH;
    return SYSTEM_TIMER->count;
}

// Waits for a host that takes packets; after one that did not, asks only once until it does again.
static int can_send(void) {
    const uint32_t start = timer_ticks();
    do {
        if (USB->state & CAN_SEND) return is_heard = 1;
    } while (is_heard && timer_ticks() - start < PATIENCE);
    return is_heard = 0;
}

size_t line_read(uint8_t *data, size_t capacity) {
    size_t size = 0;
    while (size < capacity && USB->state & RECEIVED) data[size++] = (uint8_t)USB->data;
    return size;
}

void line_write(const uint8_t *data, size_t size) {
    while (size > 0) {
        if (!can_send()) return;
        const size_t packet = size < PACKET_BYTES ? size : PACKET_BYTES;
        for (size_t i = 0; i < packet; i++) USB->data = data[i];
        USB->state = SEND;
        data += packet;
        size -= packet;
    }
}
