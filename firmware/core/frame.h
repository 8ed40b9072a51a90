// Frames on a byte stream: frame = COBS(type u8, reserved u8 = 0, sequence u16, payload, CRC-32 u32) 0x00.
// The host's half is host/framing.py; tests hold both to one table of vectors.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEADER_BYTES = 4, FRAME_CRC_BYTES = 4 };

// FRAME_TOO_LONG is an undamaged frame that is larger than the receiver. A damaged one is FRAME_NONE: dropped without a
// word, because the host asks again.
typedef enum { FRAME_NONE, FRAME_COMPLETE, FRAME_TOO_LONG } frame_event;

// A receiver of one stream.
typedef struct {
    uint8_t *body;    // (capacity,) header, payload, CRC; 4-byte aligned, so the payload behind the header is aligned too
    size_t capacity;  // at least FRAME_HEADER_BYTES + FRAME_CRC_BYTES
    size_t size;      // bytes decoded so far, counted beyond capacity too
    uint32_t crc;     // running CRC-32 register over all of them
    uint8_t block;    // COBS: bytes left in the current block
    bool zero_after;  // COBS: a zero stands behind the current block
    bool started;     // a byte other than zero came since the last delimiter
} frame_receiver;

void frame_receiver_init(frame_receiver *receiver, uint8_t *body, size_t capacity);

// Takes one byte from the line. After FRAME_COMPLETE the frame lies in `body` until the next push; after FRAME_TOO_LONG
// its header does.
frame_event frame_receiver_push(frame_receiver *receiver, uint8_t byte);

uint8_t frame_type(const frame_receiver *receiver);
uint16_t frame_sequence(const frame_receiver *receiver);
const uint8_t *frame_payload(const frame_receiver *receiver);
size_t frame_payload_size(const frame_receiver *receiver);

typedef void (*frame_write)(const uint8_t *data, size_t size);

// Sends one frame whose payload is `head` followed by `tail` (either may be empty), in as few writes as its size allows.
void frame_send(frame_write write, uint8_t type, uint16_t sequence, const uint8_t *head, size_t head_size,
                const uint8_t *tail, size_t tail_size);
