#include "crc32.h"
#include "frame.h"

static void restart(frame_receiver *receiver) {
    receiver->size = 0;
    receiver->crc = CRC32_START;
    receiver->block = 0;
    receiver->zero_after = false;
    receiver->started = false;
}

void frame_receiver_init(frame_receiver *receiver, uint8_t *body, size_t capacity) {
    receiver->body = body;
    receiver->capacity = capacity;
    restart(receiver);
}

static void keep(frame_receiver *receiver, uint8_t byte) {
    receiver->crc = crc32_push(receiver->crc, byte);
    if (receiver->size < receiver->capacity) receiver->body[receiver->size] = byte;
    if (receiver->size < SIZE_MAX) receiver->size++;
}

static frame_event finish(const frame_receiver *receiver) {
    const bool whole = receiver->started && receiver->block == 0 && receiver->crc == CRC32_RESIDUE &&
                       receiver->size >= FRAME_HEADER_BYTES + FRAME_CRC_BYTES && receiver->body[1] == 0;
    if (!whole) return FRAME_NONE;
    return receiver->size <= receiver->capacity ? FRAME_COMPLETE : FRAME_TOO_LONG;
}

frame_event frame_receiver_push(frame_receiver *receiver, uint8_t byte) {
    if (byte == 0) {
        const frame_event event = finish(receiver);
        receiver->started = false;
        return event;
    }
    if (!receiver->started) restart(receiver);
    receiver->started = true;
    if (receiver->block > 0) {
        receiver->block--;
        keep(receiver, byte);
    } else {  // a length byte: the block before it has ended
        if (receiver->zero_after) keep(receiver, 0);
        receiver->block = (uint8_t)(byte - 1);
        receiver->zero_after = byte != 0xFF;
    }
    return FRAME_NONE;
}

uint8_t frame_type(const frame_receiver *receiver) { return receiver->body[0]; }

uint16_t frame_sequence(const frame_receiver *receiver) {
    return (uint16_t)(receiver->body[2] | receiver->body[3] << 8);
}

const uint8_t *frame_payload(const frame_receiver *receiver) { return receiver->body + FRAME_HEADER_BYTES; }

size_t frame_payload_size(const frame_receiver *receiver) {
    return receiver->size - FRAME_HEADER_BYTES - FRAME_CRC_BYTES;
}
