// What the vectors of firmware/kernels/simd make of numbers of all sizes: the same digest by any instructions.
#include "simd.h"

static uint64_t state = 1;
static uint32_t digest = 2166136261u;

static int32_t any(void) {  // of any size, and the neighbours of powers of two more often than others
    state = state * 6364136223846793005u + 1442695040888963407u;
    const int32_t value = (int32_t)(uint32_t)(state >> 32) >> (state >> 8 & 31);
    return state >> 16 & 1 ? value : (int32_t)((1u << (state >> 20 & 31)) - (uint32_t)(state >> 25 & 3) + 1);
}

static int32_t within(int32_t value, int32_t most) { return value < -most ? -most : value > most ? most : value; }

static void note(const void *bytes, size_t n) {
    for (const uint8_t *at = bytes; n > 0; n--) digest = (digest ^ *at++) * 16777619u;
}

VECTORS static void look(void) {
    int32_t table[32];
    int16_t w[16], x[16];
    int8_t bytes[8];
    for (int32_t k = 0; k < 8; k++) {
        table[k] = within(any(), 1 << 29);
        table[8 + k] = any() & INT32_MAX;
        table[24 + k] = 1 + (any() & 31) % 23;
        table[16 + k] = within(any(), 1 << 29);
        if (any() & 1) table[16 + k] = within(any(), 128) * (1 << table[24 + k]) + (1 << (table[24 + k] - 1));
    }
    for (int32_t k = 0; k < 16; k++) {
        w[k] = (int16_t)within(any(), 127);
        bytes[k % 8] = (int8_t)any();
        x[k] = bytes[k % 8];
    }
    const int32_t low = any() & 127, high = any() & 127;
    const simd_output output = {table, -low - 1, high};
    eight sums = load_eight(table);
    sums = larger_of_eight(add_products(sums, load_pairs(w), x + 3), add_two_taps(sums, load_pairs(w), x, x + 5));
    bytes_of_eight(bytes, sums, table, &output);
    note(bytes, sizeof bytes);
    widen_eight(x, bytes);
    note(x, sizeof x);
}

__attribute__((visibility("default"))) uint32_t simd_digest(int32_t rounds) {
    for (int32_t i = 0; i < rounds; i++) look();
    return digest;
}
