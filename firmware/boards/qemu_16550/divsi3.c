// The quotient of two 32-bit integers, rounded towards zero, which the compiler calls and its library for this core lacks:
// the core has no division. The name and meaning are GCC's (GCC internals, "Routines for integer arithmetic").
#include <stdint.h>

int32_t __divsi3(int32_t a, int32_t b);

static uint32_t magnitude(int32_t a) { return a < 0 ? 0u - (uint32_t)a : (uint32_t)a; }

int32_t __divsi3(int32_t a, int32_t b) {
    const uint32_t dividend = magnitude(a), divisor = magnitude(b);
    uint32_t quotient = 0, rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        rest = rest << 1 | (dividend >> bit & 1);
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1u << bit;
        }
    }
    return (a < 0) == (b < 0) ? (int32_t)quotient : (int32_t)(0u - quotient);
}
