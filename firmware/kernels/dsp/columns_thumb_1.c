// The inner loop of the packed convolutions for the Cortex-M0 and M0+: two columns times two filters at a time, their four
// sums in registers that can add and no more. Assembly as a whole, as in columns_s16.c.
#include "columns.h"

#ifdef THUMB_1
#include "assembly.h"
//   r0 x   r1 w   r2, r3 pairs of both columns   r4, r5 a half of each   r6, r7 a half of w   r8-r11 the sums
//   r12 end of x   [sp] sums, x, w, [sp, #12] passes left

// A half of a pair of w, by `HALF`, of two filters whose pairs lie at `first` and 4 bytes behind it.
#define PRODUCTS(x_left, x_right, first, second, HALF) \
    "ldr r6, [r1, #" first "]\n"                      \
    HALF("r6")                                        \
    "mov r7, r6\n"                                    \
    "muls r7, " x_left "\n"                           \
    "add r8, r7\n"                                    \
    "muls r6, " x_right "\n"                          \
    "add r9, r6\n"                                    \
    "ldr r6, [r1, #" second "]\n"                     \
    HALF("r6")                                        \
    "muls " x_left ", r6\n"                           \
    "add r10, " x_left "\n"                           \
    "muls " x_right ", r6\n"                          \
    "add r11, " x_right "\n"

#define LOW(register) "sxth " register ", " register "\n"
#define HIGH(register) "asrs " register ", #16\n"

#define HALF_QUAD(first, second)                  \
    "ldmia r0!, {r2, r3}\n"                       \
    "sxth r4, r2\n"                               \
    "sxth r5, r3\n"                               \
    PRODUCTS("r4", "r5", first, second, LOW)      \
    HIGH("r2")                                    \
    HIGH("r3")                                    \
    PRODUCTS("r2", "r3", first, second, HIGH)

FUNCTION("columns_run_s16",
    "push {r4-r7, lr}\n"
    "mov r4, r8\n"
    "mov r5, r9\n"
    "mov r6, r10\n"
    "mov r7, r11\n"
    "push {r4-r7}\n"
    "lsls r3, #4\n"
    "adds r3, r1\n"
    "mov r12, r3\n"
    "movs r3, #2\n"
    "push {r0-r3}\n"
    "mov r0, r1\n"
    "mov r1, r2\n"
    "1:\n"
    "movs r2, #0\n"
    "mov r8, r2\n"
    "mov r9, r2\n"
    "mov r10, r2\n"
    "mov r11, r2\n"
    "2:\n"
    HALF_QUAD("0", "4")
    HALF_QUAD("16", "20")
    "adds r1, #32\n"
    "cmp r0, r12\n"
    "bne 2b\n"
    "mov r4, r8\n"
    "mov r5, r9\n"
    "mov r6, r10\n"
    "mov r7, r11\n"
    "pop {r0-r3}\n"
    "stmia r0!, {r4-r7}\n"
    "adds r2, #8\n"       // the other two filters
    "subs r3, #1\n"
    "push {r0-r3}\n"
    "mov r0, r1\n"
    "mov r1, r2\n"
    "bne 1b\n"
    "add sp, #16\n"
    "pop {r4-r7}\n"
    "mov r8, r4\n"
    "mov r9, r5\n"
    "mov r10, r6\n"
    "mov r11, r7\n"
    "pop {r4-r7, pc}\n");

#undef HALF_QUAD
#undef HIGH
#undef LOW
#undef PRODUCTS
#endif
