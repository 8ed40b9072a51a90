// Very many random inputs for the target of board.c, one after the other in this process, without anything that watches
// coverage: `loop FIRST COUNT` plays COUNT requests or so, and says how many and what the device answered: a type of frame
// and how often, a line each. What breaks stops it, with the number of the input; `loop NUMBER 1` is that input alone.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"

enum { PIECES = 64, SIZE_LIMIT = 40, KINDS = 5, RAW = 0, HELLO_NEW = 2, RUN = 3 };

int LLVMFuzzerInitialize(int *argument_count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __asan_set_death_callback(void (*callback)(void));
extern uint64_t fuzz_replies[256];

static uint64_t number;  // of the input

static void say_number(void) { fprintf(stderr, "input %" PRIu64 "\n", number); }

// splitmix64: 64 bits that depend on every bit of the state.
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

// Pieces as board.c reads them; the input that belongs to `number`. Three of four types are messages of the protocol.
static size_t make(uint8_t *data) {
    static const uint8_t types[] = {MESSAGE_HELLO, MESSAGE_INFER, MESSAGE_TRACE, MESSAGE_FETCH, MESSAGE_SET_BAUD, 0, 0x80, 0xff};
    uint64_t state = number;
    size_t size = 0;
    data[size++] = (uint8_t)next(&state);
    for (int piece = 0; piece < PIECES; piece++) {
        const uint64_t r = next(&state);
        const uint8_t kind = (uint8_t)(r % 16 == 0 ? HELLO_NEW : r % KINDS == HELLO_NEW ? RAW : r % KINDS);
        const uint8_t type = (r >> 16) % 4 ? types[(r >> 18) % sizeof types] : (uint8_t)(r >> 24);
        size_t length = 2 + (r >> 8) % (SIZE_LIMIT - 2);
        if ((r >> 36) % 4) length = kind != RUN ? 3 + sizeof(set_baud) : type == MESSAGE_FETCH ? 2 + sizeof(fetch) : 2;
        data[size] = kind;
        data[size + 1] = (uint8_t)length;
        for (size_t i = 0; i < SIZE_LIMIT; i += sizeof r) {
            const uint64_t bytes = next(&state) & ((r >> 40) % 3 ? next(&state) & next(&state) : ~0u);  // mostly small
            memcpy(data + size + 2 + i, &bytes, sizeof bytes);
        }
        data[size + 2] = type;
        if ((r >> 32) % 4) {  // a number that comes next
            data[size + 3] = (uint8_t)(piece + 1);
            if (kind != RUN) data[size + 4] = 0;
        }
        size += 2 + length;
    }
    return size;
}

int main(int argc, char **argv) {
    static uint8_t data[1 + PIECES * (2 + SIZE_LIMIT) + 8];
    if (argc != 3) return 2;
    number = strtoull(argv[1], NULL, 10);
    const uint64_t count = strtoull(argv[2], NULL, 10);
    uint64_t played = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    __asan_set_death_callback(say_number);
    for (; played < count; played += PIECES, number++) LLVMFuzzerTestOneInput(data, make(data));
    printf("%" PRIu64 "\n", played);
    for (int type = 0; type < 256; type++) {
        if (fuzz_replies[type] > 0) printf("%d %" PRIu64 "\n", type, fuzz_replies[type]);
    }
    return 0;
}
