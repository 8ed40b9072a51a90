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
    frame_receiver_begin_session(receiver, 0);
    restart(receiver);
}

void frame_receiver_begin_session(frame_receiver *receiver, uint32_t session) {
    receiver->session = session;
    receiver->newest = 0;
    receiver->sequence = 0;
}

static void keep(frame_receiver *receiver, uint8_t byte) {
    receiver->crc = crc32_push(receiver->crc, byte);
    if (receiver->size < receiver->capacity) receiver->body[receiver->size] = byte;
    if (receiver->size < SIZE_MAX) receiver->size++;
}

// A CRC is linear: with a key XORed into the check at its end, the register ends in the residue XOR what the key alone
// leaves of a register of zero.
static bool passes(const frame_receiver *receiver, uint32_t key) {
    uint32_t shift = 0;
    for (int i = 0; i < FRAME_CHECK_BYTES; i++) shift = crc32_push(shift, (uint8_t)(key >> 8 * i));
    return receiver->crc == (CRC32_RESIDUE ^ shift);
}

// The number nearest to the newest whose low byte travelled; 0 where there is none.
static uint16_t extend(const frame_receiver *receiver) {
    const int sequence = receiver->newest + (int8_t)(uint8_t)(receiver->body[1] - receiver->newest);
    return sequence > 0 && sequence <= UINT16_MAX ? (uint16_t)sequence : 0;
}

static bool find_sequence(frame_receiver *receiver) {
    if (receiver->body[1] == 0 && passes(receiver, 0)) {
        receiver->sequence = 0;
        return true;
    }
    const uint16_t sequence = extend(receiver);
    if (receiver->session == 0 || sequence == 0 || !passes(receiver, frame_key(receiver->session, sequence))) return false;
    if (sequence > receiver->newest) receiver->newest = sequence;
    receiver->sequence = sequence;
    return true;
}

static frame_event finish(frame_receiver *receiver) {
    const bool whole = receiver->started && receiver->block == 0 &&
                       receiver->size >= FRAME_HEADER_BYTES + FRAME_CHECK_BYTES && find_sequence(receiver);
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

uint16_t frame_sequence(const frame_receiver *receiver) { return receiver->sequence; }

const uint8_t *frame_payload(const frame_receiver *receiver) { return receiver->body + FRAME_HEADER_BYTES; }

size_t frame_payload_size(const frame_receiver *receiver) {
    return receiver->size - FRAME_HEADER_BYTES - FRAME_CHECK_BYTES;
}
