// The product of two 64-bit integers modulo 2^64, which the compiler calls and its library for this core lacks. The name
// and meaning are GCC's (GCC internals, "Routines for integer arithmetic").
#include <stdint.h>

uint64_t __muldi3(uint64_t a, uint64_t b);

// a * b in full, from 16-bit halves: the multiplier of this core keeps only the low 32 bits.
static uint64_t multiply_32(uint32_t a, uint32_t b) {
    const uint32_t a_low = a & 0xFFFF, a_high = a >> 16, b_low = b & 0xFFFF, b_high = b >> 16;
    const uint32_t low = a_low * b_low;
    const uint32_t middle_1 = a_high * b_low + (low >> 16);
    const uint32_t middle_2 = a_low * b_high + (middle_1 & 0xFFFF);
    const uint32_t high = a_high * b_high + (middle_1 >> 16) + (middle_2 >> 16);
    return (uint64_t)high << 32 | (middle_2 << 16) | (low & 0xFFFF);
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
    const uint32_t cross = (uint32_t)(a >> 32) * (uint32_t)b + (uint32_t)a * (uint32_t)(b >> 32);
    return multiply_32((uint32_t)a, (uint32_t)b) + ((uint64_t)cross << 32);
}
