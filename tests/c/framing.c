// The device's framing as functions over whole buffers, for tests/test_framing.py.
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "frame.h"

static uint8_t *sent;
static size_t sent_size;

void board_write(const uint8_t *data, size_t size) {
    memcpy(sent + sent_size, data, size);
    sent_size += size;
}

// wire <- the frame; returns its size.
size_t send_frame(uint8_t *wire, uint32_t session, uint8_t type, uint16_t sequence, const uint8_t *payload,
                  size_t head_size, size_t size) {
    sent = wire;
    sent_size = 0;
    frame_sender_begin_session(session);
    frame_begin(type, sequence);
    frame_put(payload, head_size);
    frame_put(payload + head_size, size - head_size);
    frame_end();
    return sent_size;
}

static uint8_t *put_record(uint8_t *record, frame_event event, const frame_receiver *receiver) {
    const uint32_t size = event == FRAME_COMPLETE ? (uint32_t)frame_payload_size(receiver) : 0;
    const uint16_t sequence = frame_sequence(receiver);
    *record++ = (uint8_t)event;
    *record++ = frame_type(receiver);
    memcpy(record, &sequence, 2);
    memcpy(record + 2, &size, 4);
    memcpy(record + 6, frame_payload(receiver), size);
    return record + 6 + size;
}

// records <- event u8, type u8, sequence u16, size u32 and payload of every event in the stream; returns their size.
// The body is allocated to the byte, so that a sanitizer sees a write behind its capacity.
size_t receive_frames(uint8_t *records, const uint8_t *stream, size_t size, size_t capacity, uint32_t session) {
    uint8_t *body = malloc(capacity);
    uint8_t *end = records;
    frame_receiver receiver;
    frame_receiver_init(&receiver, body, capacity);
    frame_receiver_begin_session(&receiver, session);
    for (size_t i = 0; i < size; i++) {
        const frame_event event = frame_receiver_push(&receiver, stream[i]);
        if (event != FRAME_NONE) end = put_record(end, event, &receiver);
    }
    free(body);
    return (size_t)(end - records);
}
