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

//   r0 the sum, r0-r3 its product with the multiplier   r4, r5 halves of the multiplier   r6 shift   r7 sums
//   r8 offset   r9 2^15   r10 bias   r11 y   r12 o   lr channels

#define FIRST                 \
    "ldmia r7!, {r0, r1}\n"   \
    "lsls r1, #16\n"          \
    "subs r0, r1\n"

#define SECOND                \
    "ldr r0, [r7, #4]\n"      \
    "adds r7, #8\n"

// `SUM` of the pixel whose place in y is the number `at` in y: doubled and with its bias, times the multiplier as in
// multiply_high_rounded, shifted and saturated.
#define BYTE(SUM, at)         \
    SUM                       \
    "adds r0, r0\n"           \
    "add r0, r10\n"           \
    "uxth r1, r0\n"           \
    "asrs r0, #16\n"          \
    "mov r2, r1\n"            \
    "muls r2, r4\n"           \
    "lsrs r2, #16\n"          \
    "add r2, r9\n"            \
    "mov r3, r0\n"            \
    "muls r3, r4\n"           \
    "adds r2, r3\n"           \
    "muls r1, r5\n"           \
    "muls r0, r5\n"           \
    "asrs r3, r2, #16\n"      \
    "adds r0, r3\n"           \
    "asrs r3, r1, #16\n"      \
    "adds r0, r3\n"           \
    "uxth r2, r2\n"           \
    "uxth r1, r1\n"           \
    "adds r2, r1\n"           \
    "lsrs r2, #16\n"          \
    "adds r0, r2\n"           \
    "asrs r1, r0, #31\n"      \
    "adds r0, r1\n"           \
    "add r0, r8\n"            \
    "asrs r0, r6\n"           \
    "sxtb r1, r0\n"           \
    "cmp r1, r0\n"            \
    "beq 3f\n"                \
    "asrs r0, #31\n"          \
    "movs r1, #127\n"         \
    "eors r0, r1\n"           \
    "3:\n"                    \
    "mov r1, r11\n"           \
    "ldr r1, [r1, #" at "]\n" \
    "mov r2, r12\n"           \
    "strb r0, [r1, r2]\n"

#define CHANNEL               \
    "mov r0, lr\n"            \
    "ldmia r0!, {r1-r3, r6}\n" \
    "mov lr, r0\n"            \
    "mov r10, r1\n"           \
    "uxth r4, r2\n"           \
    "asrs r5, r2, #16\n"      \
    "mov r8, r3\n"

FUNCTION("halves_bytes",
    "push {r4-r7, lr}\n"
    "mov r4, r8\n"
    "mov r5, r9\n"
    "mov r6, r10\n"
    "mov r7, r11\n"
    "push {r4-r7}\n"
    "mov r11, r0\n"
    "mov r12, r1\n"
    "mov r7, r2\n"
    "mov lr, r3\n"
    "movs r0, #128\n"
    "lsls r0, #8\n"
    "mov r9, r0\n"
    CHANNEL
    BYTE(FIRST, "0") BYTE(FIRST, "4") BYTE(FIRST, "8") BYTE(FIRST, "12")
    "subs r7, #32\n"
    "movs r0, #1\n"
    "add r12, r0\n"
    CHANNEL
    BYTE(SECOND, "0") BYTE(SECOND, "4") BYTE(SECOND, "8") BYTE(SECOND, "12")
    "pop {r4-r7}\n"
    "mov r8, r4\n"
    "mov r9, r5\n"
    "mov r10, r6\n"
    "mov r11, r7\n"
    "pop {r4-r7, pc}\n");

#undef CHANNEL
#undef BYTE
#undef SECOND
#undef FIRST
#endif
