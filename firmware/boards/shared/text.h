// Text put together piece by piece, for what is told of a fault. Each function returns where the next piece goes; nothing
// ends the text with a null.
#pragma once
#include <stdint.h>

static inline char *put_text(char *to, const char *text) {
    while (*text) *to++ = *text++;
    return to;
}

// Two digits of a number below 100.
static inline char *put_two_digits(char *to, uint32_t value) {
    *to++ = (char)('0' + value / 10 % 10);
    *to++ = (char)('0' + value % 10);
    return to;
}

// 0x and eight digits.
static inline char *put_hexadecimal(char *to, uint32_t value) {
    to = put_text(to, "0x");
    for (int shift = 28; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[value >> shift & 15];
    return to;
}
