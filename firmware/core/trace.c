#include "trace.h"

#include <string.h>

#include "board.h"
#include "crc32.h"

static uint32_t since;  // board_counter() when the engine went on
static fetch wanted;    // what is still to come: `tensor` more tensors, then `size` bytes

static uint32_t crc_of(const uint8_t *data, size_t size) {
    uint32_t crc = CRC32_START;
    for (size_t i = 0; i < size; i++) crc = crc32_push(crc, data[i]);
    return ~crc;
}

void trace_begin(uint16_t sequence) {
    trace_reply_begin(sequence);
    since = board_counter();
}

void trace_tensor(const void *tensor, size_t size) {
    const uint32_t ticks = board_counter() - since;
    const tensor_trace record = {.size = (uint32_t)size, .crc = crc_of(tensor, size), .ticks = ticks};
    tensor_trace_put(&record);
    since = board_counter();  // what the lines above took is not the engine's
}

void fetch_begin(uint16_t sequence, const uint8_t *request) {
    memcpy(&wanted, request, sizeof wanted);
    fetch_reply_begin(sequence);
}

void fetch_tensor(const void *tensor, size_t size) {
    if (wanted.tensor-- != 0 || wanted.start > size || wanted.size > size - wanted.start) return;
    frame_put((const uint8_t *)tensor + wanted.start, wanted.size);
    wanted.size = 0;
}

bool fetch_done(void) { return wanted.size == 0; }
