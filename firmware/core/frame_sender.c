#include <stdbool.h>

#include "board.h"
#include "crc32.h"
#include "frame.h"

enum { COBS_BLOCK = 255 };  // the longest block: a length byte and 254 others

// Encoded bytes on their way out. The current block starts at buffer[block] with its length byte, still unknown.
static struct {
    bool open;
    uint32_t session;
    uint32_t key;
    uint32_t crc;
    size_t block;
    size_t size;
    uint8_t buffer[2 * COBS_BLOCK + 1];
} out;

void frame_sender_begin_session(uint32_t session) { out.session = session; }

static void close_block(void) {
    out.buffer[out.block] = (uint8_t)(out.size - out.block);
    if (out.size > COBS_BLOCK) {  // another block might not fit
        board_write(out.buffer, out.size);
        out.size = 0;
    }
    out.block = out.size++;
}

void frame_put(const void *data, size_t size) {
    for (const uint8_t *byte = data, *end = byte + size; byte < end; byte++) {
        out.crc = crc32_push(out.crc, *byte);
        // A full block is closed only when another byte follows: at the very end it needs no successor.
        if (out.size - out.block == COBS_BLOCK) close_block();
        if (*byte == 0) {
            close_block();
        } else {
            out.buffer[out.size++] = *byte;
        }
    }
}

void frame_begin(uint8_t type, uint16_t sequence) {
    out.crc = CRC32_START;
    out.block = 0;
    out.size = 1;
    if (out.open) {  // the delimiter of the frame that is given up, before the first block of this one
        static const uint8_t delimiter = 0;
        board_write(&delimiter, 1);
    }
    out.open = true;
    out.key = frame_key(out.session, sequence);
    const uint8_t header[FRAME_HEADER_BYTES] = {type, (uint8_t)sequence};
    frame_put(header, sizeof header);
}

void frame_end(void) {
    const uint32_t check = ~out.crc ^ out.key;
    frame_put(&check, sizeof check);
    out.buffer[out.block] = (uint8_t)(out.size - out.block);
    out.buffer[out.size++] = 0;  // the delimiter
    board_write(out.buffer, out.size);
    out.open = false;
}
