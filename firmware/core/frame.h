// Frames on a byte stream: frame = COBS(type u8, low byte of the sequence u8, payload, check u32) 0x00.
// check = CRC-32 of what precedes it, XOR frame_key(): a frame of another session, or of a number 256 away, is dropped.
// The host's half is tinyproof/framing.py; tests hold both to one table of vectors.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEADER_BYTES = 2, FRAME_CHECK_BYTES = 4 };

// FRAME_TOO_LONG is an undamaged frame that is larger than the receiver. A damaged one is FRAME_NONE: dropped without a
// word, because the host asks again.
typedef enum { FRAME_NONE, FRAME_COMPLETE, FRAME_TOO_LONG } frame_event;

// A receiver of one stream.
typedef struct {
    uint8_t *body;      // (capacity,) header, payload, check; aligned so that the payload behind the header is
    size_t capacity;    // at least FRAME_HEADER_BYTES + FRAME_CHECK_BYTES
    size_t size;        // bytes decoded so far, counted beyond capacity too
    uint32_t crc;       // running CRC-32 register over all of them
    uint8_t block;      // COBS: bytes left in the current block
    bool zero_after;    // COBS: a zero stands behind the current block
    bool started;       // a byte other than zero came since the last delimiter
    uint32_t session;   // 0: none yet, and no numbered frame passes
    uint16_t newest;    // highest sequence number of the session so far
    uint16_t sequence;  // of the frame that passed last
} frame_receiver;

void frame_receiver_init(frame_receiver *receiver, uint8_t *body, size_t capacity);

// From the next frame on, numbered frames are those of `session`, which has had none so far.
void frame_receiver_begin_session(frame_receiver *receiver, uint32_t session);

// What the check of a frame is XORed with. Number 0 belongs to no session, so that two sides can meet.
static inline uint32_t frame_key(uint32_t session, uint16_t sequence) {
    return sequence == 0 ? 0 : session + (sequence >> 8);
}

// Takes one byte from the line. After FRAME_COMPLETE the frame lies in `body` until the next push; after FRAME_TOO_LONG
// its header does.
frame_event frame_receiver_push(frame_receiver *receiver, uint8_t byte);

uint8_t frame_type(const frame_receiver *receiver);
uint16_t frame_sequence(const frame_receiver *receiver);
const uint8_t *frame_payload(const frame_receiver *receiver);
size_t frame_payload_size(const frame_receiver *receiver);

// The session of the numbered frames sent from now on; 0 at first.
void frame_sender_begin_session(uint32_t session);

// Sends a frame: frame_begin(), its payload in any number of pieces, frame_end(). Bytes leave through board_write() in as
// few calls as its size allows, and while the payload is still being put together, so it may be larger than any memory.
// There is one frame at a time: a frame_begin() before the frame_end() gives up the first frame, which the receiver drops.
void frame_begin(uint8_t type, uint16_t sequence);
void frame_put(const void *data, size_t size);
void frame_end(void);
