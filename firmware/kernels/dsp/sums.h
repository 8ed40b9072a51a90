// What the loops share that keep eight sums in registers: two numbers from r1 times four from r2, a word of two of each.
//   r0, r3 from r1   r12, lr from r2   r4-r11 the sums   [sp] where a run of sums enters the loop, [sp, #4] where it ends
#pragma once
#include "assembly.h"

// One pair of taps in 16 bits: 44 bytes.
#define HALF_S16                     \
    "ldrd r0, r3, [r1], #8\n"        \
    "ldrd r12, lr, [r2], #8\n"       \
    "smlad r4, r0, r12, r4\n"        \
    "smlad r5, r3, r12, r5\n"        \
    "smlad r6, r0, lr, r6\n"         \
    "smlad r7, r3, lr, r7\n"         \
    "ldrd r12, lr, [r2], #8\n"       \
    "smlad r8, r0, r12, r8\n"        \
    "smlad r9, r3, r12, r9\n"        \
    "smlad r10, r0, lr, r10\n"       \
    "smlad r11, r3, lr, r11\n"

// Where the first round enters the loop at 2: with -quads mod 4 of its quads, of so many bytes of code, left out.
#define ENTER(quads, bytes)          \
    "rsb r3, " quads ", #0\n"        \
    "and r3, r3, #3\n"               \
    "movs r4, #" bytes "\n"          \
    "adr r5, 2f\n"                   \
    "mla r3, r3, r4, r5\n"           \
    "orr r3, r3, #1\n"               \
    "str r3, [sp]\n"

// The sums r4-r11 of all quads: until r2 is [sp, #4], the end of what it points to.
#define SUMS(FIRST, QUAD)            \
    FIRST                            \
    "ldr pc, [sp]\n"                 \
    ".balign 4\n"                    \
    "2:\n"                           \
    QUAD QUAD QUAD QUAD              \
    "ldr r0, [sp, #4]\n"             \
    "cmp r2, r0\n"                   \
    "bne 2b\n"
