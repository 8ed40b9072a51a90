#include "crc32.h"
#include "frame.h"

enum { COBS_BLOCK = 255 };  // the longest block: a length byte and 254 others

// Encoded bytes on their way out. The current block starts at buffer[block] with its length byte, still unknown.
typedef struct {
    frame_write write;
    uint32_t crc;
    size_t block;
    size_t size;
    uint8_t buffer[2 * COBS_BLOCK + 1];
} sender;

static uint32_t session_sent;

void frame_sender_begin_session(uint32_t session) { session_sent = session; }

static void close_block(sender *out) {
    out->buffer[out->block] = (uint8_t)(out->size - out->block);
    if (out->size > COBS_BLOCK) {  // another block might not fit
        out->write(out->buffer, out->size);
        out->size = 0;
    }
    out->block = out->size++;
}

static void put(sender *out, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        out->crc = crc32_push(out->crc, data[i]);
        // A full block is closed only when another byte follows: at the very end it needs no successor.
        if (out->size - out->block == COBS_BLOCK) close_block(out);
        if (data[i] == 0) {
            close_block(out);
        } else {
            out->buffer[out->size++] = data[i];
        }
    }
}

void frame_send(frame_write write, uint8_t type, uint16_t sequence, const uint8_t *head, size_t head_size,
                const uint8_t *tail, size_t tail_size) {
    sender out = {.write = write, .crc = CRC32_START, .block = 0, .size = 1};
    const uint8_t header[FRAME_HEADER_BYTES] = {type, (uint8_t)sequence};
    put(&out, header, sizeof header);
    put(&out, head, head_size);
    put(&out, tail, tail_size);
    const uint32_t check = ~out.crc ^ frame_key(session_sent, sequence);
    const uint8_t trailer[FRAME_CHECK_BYTES] = {(uint8_t)check, (uint8_t)(check >> 8), (uint8_t)(check >> 16),
                                                (uint8_t)(check >> 24)};
    put(&out, trailer, sizeof trailer);
    out.buffer[out.block] = (uint8_t)(out.size - out.block);
    out.buffer[out.size++] = 0;  // the delimiter
    write(out.buffer, out.size);
}
