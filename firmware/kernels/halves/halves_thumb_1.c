// The same for the Cortex-M0 and M0+, assembly as a whole: the four sums are in registers that can add and no more.
#include "halves.h"

#ifdef THUMB_1
#include "assembly.h"
//   r0 v   r1 w   r2-r5 a tap of the four pixels   r6 w of it   r8-r11 the sums   r12 the segment's end in v   lr 2^15
//   [sp] the half_sums, behind them where they are to go

#define TAP                   \
    "ldmia r0!, {r2-r5}\n"    \
    "ldmia r1!, {r6}\n"       \
    "muls r2, r6\n"           \
    "add r8, r2\n"            \
    "muls r3, r6\n"           \
    "add r9, r3\n"            \
    "muls r4, r6\n"           \
    "add r10, r4\n"           \
    "muls r5, r6\n"           \
    "add r11, r5\n"

// The sums of two pixels
#define FLUSH(a, b)           \
    "ldmia r7!, {r2-r5}\n"    \
    "mov r6, " a "\n"         \
    "adds r2, r6\n"           \
    "asrs r6, #16\n"          \
    "adds r3, r6\n"           \
    "mov r6, " b "\n"         \
    "adds r4, r6\n"           \
    "asrs r6, #16\n"          \
    "adds r5, r6\n"           \
    "subs r7, #16\n"          \
    "stmia r7!, {r2-r5}\n"

FUNCTION("halves_dot",
    "push {r4-r7, lr}\n"
    "mov r4, r8\n"
    "mov r5, r9\n"
    "mov r6, r10\n"
    "mov r7, r11\n"
    "push {r4-r7}\n"
    "mov r7, r0\n"
    "mov r0, r1\n"
    "mov r1, r2\n"
    "movs r3, #0\n"
    "movs r4, #0\n"
    "movs r5, #0\n"
    "movs r6, #0\n"
    "push {r3-r7}\n"
    "push {r3-r6}\n"
    "movs r6, #128\n"
    "lsls r6, #8\n"
    "mov lr, r6\n"
    "ldmia r1!, {r6}\n"
    "1:\n"
    "adds r6, r0\n"
    "mov r12, r6\n"
    "mov r8, lr\n"
    "mov r9, lr\n"
    "mov r10, lr\n"
    "mov r11, lr\n"
    "2:\n"
    TAP TAP
    "cmp r0, r12\n"
    "bne 2b\n"
    "mov r7, sp\n"
    FLUSH("r8", "r9")
    FLUSH("r10", "r11")
    "ldmia r1!, {r6}\n"
    "cmp r6, #0\n"
    "bne 1b\n"
    "mov r0, r1\n"
    "ldr r1, [sp, #32]\n"
    "pop {r2-r5}\n"
    "stmia r1!, {r2-r5}\n"
    "pop {r2-r5}\n"
    "stmia r1!, {r2-r5}\n"
    "add sp, #4\n"
    "pop {r4-r7}\n"
    "mov r8, r4\n"
    "mov r9, r5\n"
    "mov r10, r6\n"
    "mov r11, r7\n"
    "pop {r4-r7, pc}\n");

#undef FLUSH
#undef TAP
#endif
