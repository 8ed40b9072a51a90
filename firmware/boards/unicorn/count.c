// Counts the instructions that the emulated CPU executes: unicorn calls `watch` before every block of straight code.
// Built for the computer that emulates, not for the chip; called by host/unicorn_device.py.
#include <stdint.h>

typedef struct {
    const uint8_t *code;    // (code_bytes,) the flash, from address 0
    uint32_t code_bytes;
    uint64_t instructions;  // executed so far
} watcher;

// Thumb-2 instructions are 2 or 4 bytes long; the first half says which (Armv7-M Architecture Reference Manual, A5.1).
static uint32_t count(const uint8_t *code, uint32_t size) {
    uint32_t instructions = 0;
    for (uint32_t at = 0; at < size; instructions++) at += code[at + 1] >> 3 >= 0x1D ? 4 : 2;
    return instructions;
}

__attribute__((visibility("default"))) void watch(void *cpu, uint64_t address, uint32_t size, void *data);
void watch(void *cpu, uint64_t address, uint32_t size, void *data) {
    watcher *w = data;
    (void)cpu;
    if (address + size <= w->code_bytes) w->instructions += count(w->code + address, size);
}
