// What a reset makes of memory before C code can run, between the symbols of the linker scripts. Needs a stack.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern uint8_t data_start[], data_end[], data_load[], bss_start[], bss_end[];

static inline void memory_init(void) {
    memcpy(data_start, data_load, (size_t)(data_end - data_start));
    memset(bss_start, 0, (size_t)(bss_end - bss_start));
}
