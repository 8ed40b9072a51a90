// The line over the emulator's debug channel: bytes pass in blocks, so feeding a test set is bound by the CPU and not by
// the line. Reading sleeps in the emulator until bytes come; when the line is closed the emulator ends.
#include "link.h"
#include "semihosting.h"

static uint32_t input, output;  // handles

static uint32_t open_console(uint32_t mode) {
    static const char name[] = ":tt";
    const volatile uint32_t block[3] = {(uint32_t)(uintptr_t)name, mode, sizeof name - 1};
    return semihosting_call(SEMIHOSTING_OPEN, block);
}

void link_init(void) {
    enum { READ = 1, WRITE = 5 };  // binary
    input = open_console(READ);
    output = open_console(WRITE);
}

void link_set_baud(uint32_t baud) { (void)baud; }

size_t link_read(uint8_t *data, size_t capacity) {
    const volatile uint32_t block[3] = {input, (uint32_t)(uintptr_t)data, capacity};
    const uint32_t missing = semihosting_call(SEMIHOSTING_READ, block);
    if (missing >= capacity) semihosting_exit(0);  // end of file: the line is closed
    return capacity - missing;
}

void link_write(const uint8_t *data, size_t size) {
    const volatile uint32_t block[3] = {output, (uint32_t)(uintptr_t)data, size};
    if (semihosting_call(SEMIHOSTING_WRITE, block) != 0) semihosting_exit(1);
}
