// What the functions that are assembly as a whole have in common.
#pragma once

// A function in a section of its own.
#ifdef __riscv
#define FUNCTION(name, body)                        \
    __asm__(".section .text." name ", \"ax\", @progbits\n" \
            ".balign 4\n"                           \
            ".global " name "\n"                    \
            ".type " name ", @function\n"           \
            name ":\n"                              \
            body                                    \
            ".size " name ", . - " name "\n"        \
            ".text\n")
#else
#define FUNCTION(name, body)                        \
    __asm__(".syntax unified\n"                     \
            ".thumb\n"                              \
            ".section .text." name ", \"ax\", %progbits\n" \
            ".balign 4\n"                           \
            ".global " name "\n"                    \
            ".thumb_func\n"                         \
            ".type " name ", %function\n"           \
            name ":\n"                              \
            body                                    \
            ".size " name ", . - " name "\n"        \
            ".text\n")
#endif

// A product of x and w, or two, is added to a sum; all are registers.
#define ACCUMULATE(instruction, acc, x, w) instruction " " acc ", " x ", " w ", " acc "\n"

// A sum `a`, with its bias, becomes a byte; all are registers. Whether the product is negative is seen in the sum: where
// they differ, a sum below zero with a product of zero, the rounding shift makes zero of 0 and of -1.
#define SUM_TO_BYTE(a, multiplier, offset, shift, spare) \
    "add " spare ", " offset ", " a ", asr #31\n"        \
    "smmlar " a ", " a ", " multiplier ", " spare "\n"   \
    "asr " a ", " shift "\n"                             \
    "ssat " a ", #8, " a "\n"

// The same where all that a product below zero makes lies below the clamp: rounding it either way changes nothing.
#define RECTIFIED_TO_BYTE(a, multiplier, offset, shift, spare) \
    "smmlar " a ", " a ", " multiplier ", " offset "\n"       \
    "asr " a ", " shift "\n"                                  \
    "ssat " a ", #8, " a "\n"
