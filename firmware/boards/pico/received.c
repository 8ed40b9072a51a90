#include "received.h"

#include "link.h"

static uint8_t buffer[LINK_BUFFER_BYTES];
static volatile uint32_t received, taken;  // count for ever

size_t received_room(void) { return LINK_BUFFER_BYTES - (received - taken); }

void received_put(uint8_t byte) { buffer[received++ % LINK_BUFFER_BYTES] = byte; }

size_t received_take(uint8_t *data, size_t capacity) {
    __asm__ volatile("cpsid i" : : : "memory");  // an interrupt before the wait ends the wait
    if (received == taken) __asm__ volatile("wfi");
    __asm__ volatile("cpsie i" : : : "memory");
    size_t size = 0;
    while (size < capacity && received != taken) data[size++] = buffer[taken++ % LINK_BUFFER_BYTES];
    return size;
}
