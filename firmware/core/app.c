#include "app.h"

#include <stdalign.h>
#include <string.h>

#include "baud.h"
#include "board.h"
#include "engine.h"
#include "frame.h"
#include "golden_vectors.h"
#include "model_settings.h"
#include "protocol.h"
#include "self_test.h"
#include "stack.h"
#include "trace.h"

// Replies kept for requests that come again: as many as 512 bytes of outputs hold, at least 1, at most 16.
#define OUTPUTS_KEPT (512 / MODEL_OUTPUT_BYTES)
#define REPLY_SLOTS (OUTPUTS_KEPT < 1 ? 1 : OUTPUTS_KEPT > 16 ? 16 : OUTPUTS_KEPT)

typedef struct {
    bool used;
    uint16_t sequence;
    uint32_t ticks;
    int8_t output[MODEL_OUTPUT_BYTES];
} kept_reply;

static kept_reply kept_replies[REPLY_SLOTS];
static unsigned next_slot;

// The payload behind the header is aligned to 4 bytes, so that requests and the model's input are read in place.
enum { ALIGNMENT_GAP = 4 - FRAME_HEADER_BYTES };
static alignas(4) uint8_t
    frame_memory[ALIGNMENT_GAP + FRAME_HEADER_BYTES + REQUEST_HEAD_LIMIT + MODEL_INPUT_BYTES + FRAME_CHECK_BYTES];
static frame_receiver receiver;

static const char *fault;  // why the engine cannot run; NULL when it can
static uint8_t failures;
static uint8_t segments_sha256[SHA256_BYTES];

// Survives a reset that does not cut the power, so that a host can tell that one happened.
#ifdef __ELF__
#define SURVIVING __attribute__((section(".noinit")))
#else
#define SURVIVING  // a process of macOS or Windows, whose linkers know no such section: it has no reset either
#endif
static struct {
    uint32_t magic;
    uint32_t count;
} boot SURVIVING;

static void count_boot(void) {
    static const uint32_t MAGIC = 0x74696E79;
    boot.count = boot.magic == MAGIC ? boot.count + 1 : 1;
    boot.magic = MAGIC;
}

static void send_error(uint16_t sequence, uint8_t code, const char *text) {
    const error_reply reply = {.code = code, .text = text};
    error_reply_send(sequence, &reply);
}

static void send_hello(bool session_is_new) {
    const hello_reply reply = {
        .protocol_version = PROTOCOL_VERSION,
        .session = receiver.session,
        .session_is_new = session_is_new,
        .boot_count = boot.count,
        .model_sha256 = model_sha256,
        .segments_sha256 = segments_sha256,
        .board = board.name,
        .engine = engine_name(),
        .fault = fault == NULL ? "" : fault,
        .counter_unit = board.counter_unit,
        .counter_numerator = board.counter_numerator,
        .counter_denominator = board.counter_denominator,
        .clock_hz = board.clock_hz,
        .receive_buffer_bytes = board.receive_buffer_bytes,
        .baud = board.baud,
        .reply_slots = REPLY_SLOTS,
        .arena_bytes = engine_arena_bytes(),
        .stack_bytes = board.stack_bytes,
        .stack_used_bytes = stack_used_bytes(),
        .self_test_vectors = fault == NULL ? GOLDEN_COUNT : 0,
        .self_test_failures = failures,
        .inputs = model_inputs,
        .inputs_count = MODEL_INPUT_COUNT,
        .outputs = model_outputs,
        .outputs_count = MODEL_OUTPUT_COUNT,
    };
    hello_reply_send(0, &reply);
}

// A new session forgets what belongs to the one before: its sequence numbers have nothing to do with the earlier ones.
static void answer_hello(void) {
    const hello *request = (const void *)frame_payload(&receiver);
    if (frame_payload_size(&receiver) != sizeof *request) {
        send_error(0, ERROR_WRONG_LENGTH, "a hello carries the number of its session and nothing else");
        return;
    }
    const uint32_t session = request->session;
    const bool is_new = session != receiver.session;
    if (is_new) {
        memset(kept_replies, 0, sizeof kept_replies);
        frame_receiver_begin_session(&receiver, session);
        frame_sender_begin_session(session);
    }
    send_hello(is_new);
}

static void answer_set_baud(uint16_t sequence) {
    const set_baud *request = (const void *)frame_payload(&receiver);
    if (frame_payload_size(&receiver) != sizeof *request || request->baud == 0 || !baud_can_change()) {
        send_error(sequence, ERROR_NO_SUCH_BAUD, "this line has no speed that could change");
        return;
    }
    const set_baud_reply reply = {.baud = request->baud};
    set_baud_reply_send(sequence, &reply);
    baud_change(request->baud);
}

static const kept_reply *find_kept(uint16_t sequence) {
    for (int i = 0; i < REPLY_SLOTS; i++) {
        if (kept_replies[i].used && kept_replies[i].sequence == sequence) return &kept_replies[i];
    }
    return NULL;
}

static board_state idle_state(void) { return fault == NULL && failures == 0 ? BOARD_READY : BOARD_FAILED; }

static void send_fault(uint16_t sequence) { send_error(sequence, ERROR_ENGINE_NOT_READY, fault); }

// Runs the model into the oldest of the kept replies, which is lost. NULL when the engine failed, which stays a fault
// until the next reset and has been said under `sequence`.
static kept_reply *run(uint16_t sequence, const uint8_t *input, engine_watcher watch) {
    kept_reply *reply = &kept_replies[next_slot];
    reply->used = false;
    board_status(BOARD_BUSY);
    const uint32_t start = board_counter();
    fault = engine_invoke((const int8_t *)input, reply->output, watch);
    reply->ticks = board_counter() - start;
    board_status(idle_state());
    if (fault == NULL) return reply;
    send_fault(sequence);
    return NULL;
}

static void answer_infer(uint16_t sequence, const uint8_t *input) {
    const kept_reply *reply = find_kept(sequence);
    if (reply == NULL) {
        kept_reply *made = run(sequence, input, engine_unwatched);
        if (made == NULL) return;
        made->sequence = sequence;
        made->used = true;
        next_slot = (next_slot + 1) % REPLY_SLOTS;
        reply = made;
    }
    const infer_reply head = {.ticks = reply->ticks};
    infer_reply_begin(sequence, &head);
    frame_put(reply->output, MODEL_OUTPUT_BYTES);
    frame_end();
}

static void answer_trace(uint16_t sequence, const uint8_t *input) {
    trace_begin(sequence);
    if (run(sequence, input, trace_tensor) != NULL) frame_end();
}

static void answer_fetch(uint16_t sequence, const uint8_t *request) {
    fetch_begin(sequence, request);
    if (run(sequence, request + sizeof(fetch), fetch_tensor) == NULL) return;
    if (fetch_done()) {
        frame_end();
    } else {
        send_error(sequence, ERROR_NO_SUCH_BYTES, "the model computes no such tensor, or a shorter one");
    }
}

// A request that runs the model: `head` bytes and the model's input.
static void answer_run(uint16_t sequence, size_t head, void (*answer_one)(uint16_t sequence, const uint8_t *payload)) {
    if (fault != NULL) {
        send_fault(sequence);
    } else if (frame_payload_size(&receiver) != head + MODEL_INPUT_BYTES) {
        send_error(sequence, ERROR_WRONG_LENGTH, "the payload is not as long as the model's input");
    } else {
        answer_one(sequence, frame_payload(&receiver));
    }
}

static void answer(void) {
    const uint16_t sequence = frame_sequence(&receiver);
    switch (frame_type(&receiver)) {
        case MESSAGE_HELLO:
            answer_hello();
            break;
        case MESSAGE_INFER:
            answer_run(sequence, 0, answer_infer);
            break;
        case MESSAGE_TRACE:
            answer_run(sequence, 0, answer_trace);
            break;
        case MESSAGE_FETCH:
            answer_run(sequence, sizeof(fetch), answer_fetch);
            break;
        case MESSAGE_SET_BAUD:
            answer_set_baud(sequence);
            break;
        default:
            send_error(sequence, ERROR_UNKNOWN_MESSAGE, "this firmware does not know that message");
    }
}

void app_init(void) {
    stack_paint();
    count_boot();
    frame_receiver_init(&receiver, frame_memory + ALIGNMENT_GAP, sizeof frame_memory - ALIGNMENT_GAP);
    frame_sender_begin_session(0);
    self_test_segments_sha256(segments_sha256);
    fault = engine_init();
    if (fault == NULL) failures = self_test_failures();
    board_status(idle_state());
    send_hello(true);  // unasked: a host that was streaming learns at once that the device was reset
}

void app_poll(void) {
    uint8_t data[256];
    const size_t size = board_read(data, sizeof data);
    for (size_t i = 0; i < size; i++) {
        const frame_event event = frame_receiver_push(&receiver, data[i]);
        baud_watch(event != FRAME_NONE);
        switch (event) {
            case FRAME_NONE:
                break;
            case FRAME_COMPLETE:
                answer();
                break;
            case FRAME_TOO_LONG:
                send_error(frame_sequence(&receiver), ERROR_FRAME_TOO_LONG, "longer than any frame this model needs");
                break;
        }
    }
}
