// Counts the instructions that the emulated CPU executes: unicorn calls `watch` before every block of straight code.
// Built for the computer that emulates, not for the chip; called by host/unicorn_cpu.py.
#include <stdint.h>

enum { THUMB, RISC_V };

typedef struct {
    const uint8_t *code;    // (code_bytes,) the flash, from address `base`
    uint32_t base;
    uint32_t code_bytes;
    uint32_t kind;          // of its instructions
    uint64_t instructions;  // executed so far
} watcher;

// 2 or 4 bytes; the first half says which (Armv7-M Architecture Reference Manual, A5.1; RISC-V unprivileged ISA, 1.5).
static uint32_t size_of(const uint8_t *instruction, uint32_t kind) {
    const int is_long = kind == THUMB ? instruction[1] >> 3 >= 0x1D : (instruction[0] & 3) == 3;
    return is_long ? 4 : 2;
}

static uint32_t count(const uint8_t *code, uint32_t size, uint32_t kind) {
    uint32_t instructions = 0;
    for (uint32_t at = 0; at < size; instructions++) at += size_of(code + at, kind);
    return instructions;
}

__attribute__((visibility("default"))) void watch(void *cpu, uint64_t address, uint32_t size, void *data);
void watch(void *cpu, uint64_t address, uint32_t size, void *data) {
    watcher *w = data;
    (void)cpu;
    const uint64_t at = address - w->base;
    if (at + size <= w->code_bytes) w->instructions += count(w->code + at, size, w->kind);
}
