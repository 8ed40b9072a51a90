// The quotients and rests of two 32-bit integers, rounded towards zero, which the compiler calls and its library for this
// core lacks, also where that divides 64 bits: the core has no division. The names and meanings are GCC's (GCC internals,
// "Routines for integer arithmetic").
#include <stdint.h>

int32_t __divsi3(int32_t a, int32_t b);
int32_t __modsi3(int32_t a, int32_t b);
uint32_t __udivsi3(uint32_t a, uint32_t b);
uint32_t __umodsi3(uint32_t a, uint32_t b);

typedef struct {
    uint32_t quotient, rest;
} division;

static division divide(uint32_t dividend, uint32_t divisor) {
    division d = {0, 0};
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t carried = d.rest >> 31;  // the rest of a divisor above 2^31 may have 33 bits
        d.rest = d.rest << 1 | (dividend >> bit & 1);
        if (carried || d.rest >= divisor) {
            d.rest -= divisor;
            d.quotient |= 1u << bit;
        }
    }
    return d;
}

static uint32_t magnitude(int32_t a) { return a < 0 ? 0u - (uint32_t)a : (uint32_t)a; }

static int32_t with_sign(uint32_t value, int is_negative) { return (int32_t)(is_negative ? 0u - value : value); }

uint32_t __udivsi3(uint32_t a, uint32_t b) { return divide(a, b).quotient; }

uint32_t __umodsi3(uint32_t a, uint32_t b) { return divide(a, b).rest; }

int32_t __divsi3(int32_t a, int32_t b) {
    return with_sign(divide(magnitude(a), magnitude(b)).quotient, (a < 0) != (b < 0));
}

int32_t __modsi3(int32_t a, int32_t b) { return with_sign(divide(magnitude(a), magnitude(b)).rest, a < 0); }
