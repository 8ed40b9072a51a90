// The firmware under libFuzzer: its line is the fuzzer's input, and what it sends is read back as a host would. The image
// is built by firmware/fuzz.py with AddressSanitizer and UndefinedBehaviorSanitizer; an input that breaks something is
// written to a file, and the image run on that file shows it again.
//
// Input = pieces: kind u8, size u8, then `size` bytes. Damaging frames by chance never gets past their check, so most
// kinds are whole frames, encoded by the firmware's own sender: coverage then grows behind the check, too.
#include "board.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "frame.h"
#include "protocol.h"
#include "model_settings.h"

enum {
    RAW,        // bytes as they are
    FRAME,      // type, low and high byte of the number, payload
    HELLO_NEW,  // a new session: its number
    RUN,        // type, low byte of the number, head of the payload; the model's input is put behind it
    DAMAGED,    // as FRAME, then one byte of it is changed
    KINDS,
};

enum { LINE_BYTES = 1 << 16, FRAMES_LIMIT_BYTES = 1 << 20 };

extern uint64_t fuzz_replies[256];

static uint8_t line[LINE_BYTES];  // on its way to the device
static size_t line_begin, line_end;
static size_t read_limit = 1;  // bytes of one board_read()
static bool encoding;          // board_write() is called for the host's frames

static uint8_t received_body[FRAMES_LIMIT_BYTES];
static frame_receiver received;  // what the device sends, as a host reads it
static size_t sent_bytes;        // by the device, in answer to one input
uint64_t fuzz_replies[256];      // frames of the device so far, by type; read by loop.c

const board_info board = {
    .name = BOARD_NAME,
    .counter_unit = "nanoseconds",
    .counter_numerator = 1,
    .counter_denominator = 1,
    .receive_buffer_bytes = LINE_BYTES,
    .baud = 115200,
};

void board_init(void) {}

size_t board_read(uint8_t *data, size_t capacity) {
    size_t size = line_end - line_begin;
    if (size > capacity) size = capacity;
    if (size > read_limit) size = read_limit;
    memcpy(data, line + line_begin, size);
    line_begin += size;
    return size;
}

static void expect(bool promise) {
    if (!promise) abort();
}

static void put_on_line(const uint8_t *data, size_t size) {
    if (size > LINE_BYTES - line_end) size = LINE_BYTES - line_end;
    memcpy(line + line_end, data, size);
    line_end += size;
}

void board_write(const uint8_t *data, size_t size) {
    expect(size > 0);
    if (encoding) {
        put_on_line(data, size);
        return;
    }
    sent_bytes += size;
    for (size_t i = 0; i < size; i++) {
        if (frame_receiver_push(&received, data[i]) == FRAME_NONE) continue;
        expect(frame_type(&received) >= 0x80);  // the device only ever sends what a device sends
        expect(frame_payload_size(&received) < FRAMES_LIMIT_BYTES);
        fuzz_replies[frame_type(&received)]++;
    }
}

void board_set_baud(uint32_t baud) { expect(baud != 0); }

uint32_t board_counter(void) {
    static uint32_t ticks;
    return ticks += 1000;
}

void board_status(board_state state) { (void)state; }

static void send_frame(uint8_t type, uint16_t sequence, const uint8_t *payload, size_t size, size_t input_bytes) {
    encoding = true;
    frame_begin(type, sequence);
    frame_put(payload, size);
    for (size_t i = 0; i < input_bytes; i++) {
        const uint8_t byte = size == 0 ? (uint8_t)i : payload[i % size];
        frame_put(&byte, 1);
    }
    frame_end();
    encoding = false;
}

// The device takes all that is on the line, in pieces of read_limit bytes.
static void serve(void) {
    while (line_begin < line_end) app_poll();
    line_begin = line_end = 0;
}

static void hello_session(uint32_t session) {
    const uint8_t payload[] = {(uint8_t)session, (uint8_t)(session >> 8), (uint8_t)(session >> 16),
                               (uint8_t)(session >> 24)};
    send_frame(MESSAGE_HELLO, 0, payload, sizeof payload, 0);
    frame_receiver_begin_session(&received, session);
}

static void play(uint8_t kind, const uint8_t *data, size_t size) {
    static uint16_t number;  // so far, so that most frames are within sight of it
    const size_t before = line_end;
    switch (kind % KINDS) {
        case RAW:
            put_on_line(data, size);
            break;
        case HELLO_NEW: {
            uint32_t session = 1;
            memcpy(&session, data, size < sizeof session ? size : sizeof session);
            hello_session(session);
            number = 0;
            break;
        }
        case RUN:
            if (size < 2) break;
            number = (uint16_t)(number + data[1] % 4);
            send_frame(data[0], number, data + 2, size - 2, MODEL_INPUT_BYTES);
            break;
        default:
            if (size < 3) break;
            send_frame(data[0], (uint16_t)(data[1] | data[2] << 8), data + 3, size - 3, 0);
            if (kind % KINDS == DAMAGED) line[before + data[1] % (line_end - before)] ^= data[2] | 1;
    }
    serve();
}

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerInitialize(int *argument_count, char ***arguments) {
    (void)argument_count;
    (void)arguments;
    frame_receiver_init(&received, received_body, sizeof received_body);
    app_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    read_limit = 1 + data[0];
    sent_bytes = 0;
    const uint8_t delimiter = 0;
    put_on_line(&delimiter, 1);
    hello_session(1);
    serve();
    for (size_t at = 1; at + 2 <= size;) {
        const size_t wanted = data[at + 1], left = size - at - 2;
        const size_t piece = wanted < left ? wanted : left;
        play(data[at], data + at + 2, piece);
        at += 2 + piece;
    }
    // Whatever came before: after a delimiter the device answers a hello, and is in that session.
    put_on_line(&delimiter, 1);
    hello_session(2);
    sent_bytes = 0;
    serve();
    expect(sent_bytes > 0 && received.session == 2 && frame_type(&received) == MESSAGE_HELLO_REPLY);
    return 0;
}
