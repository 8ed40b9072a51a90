// The inner loops of the packed convolutions: two columns of pixels times four filters, sixteen multiplications a half
// quad. One reads weights that are doubled and have 16 bits each, one those of two filters in 16 bits, one those of a byte.
// The same in plain C: columns_portable.c.
#include "columns.h"
#include "sums.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: it needs every register, and the compiler would load the words one by one.
//   r0 x0, r3 x1, r12 w0, lr w1   r1 x   r2 w   r4-r11 the sums
//   [sp] where a run of sums enters the loop, end of its weights, bytes of its weights, rewind, next sums, end of sums

// One pair of taps with weights of two filters in 16 bits: 48 bytes. As they are they make 256 times the sum of the second
// filter plus that of the first; their lower bytes alone make that of the first.
#define HALF_BYTES                   \
    "ldrd r0, r3, [r1], #8\n"        \
    "ldrd r12, lr, [r2], #8\n"       \
    "smlad r6, r0, r12, r6\n"        \
    "smlad r7, r3, r12, r7\n"        \
    "sxtb16 r12, r12\n"              \
    "smlad r10, r0, lr, r10\n"       \
    "smlad r11, r3, lr, r11\n"       \
    "sxtb16 lr, lr\n"                \
    "smlad r4, r0, r12, r4\n"        \
    "smlad r5, r3, r12, r5\n"        \
    "smlad r8, r0, lr, r8\n"         \
    "smlad r9, r3, lr, r9\n"

// Both pairs of taps with weights of a byte: 120 bytes.
#define PAIR_S8(weights, rotated, first, second, third, fourth) \
    "ldrd r12, lr, [r2" weights "\n" \
    "sxtb16 r12, r12" rotated "\n"  \
    "sxtb16 lr, lr" rotated "\n"    \
    "smlad " first ", r0, r12, " first "\n"   \
    "smlad " second ", r3, r12, " second "\n" \
    "smlad " third ", r0, lr, " third "\n"    \
    "smlad " fourth ", r3, lr, " fourth "\n"
#define QUAD_S8                      \
    "ldrd r0, r3, [r1], #8\n"        \
    PAIR_S8("]", "", "r4", "r5", "r6", "r7") PAIR_S8(", #8]", "", "r8", "r9", "r10", "r11") \
    "ldrd r0, r3, [r1], #8\n"        \
    PAIR_S8("], #8", ", ror #8", "r4", "r5", "r6", "r7") PAIR_S8("], #8", ", ror #8", "r8", "r9", "r10", "r11")

// 256 times the sums of the second filters.
#define PART                         \
    "sub r6, r4\n"                   \
    "sub r7, r5\n"                   \
    "sub r10, r8\n"                  \
    "sub r11, r9\n"
// What the sums begin with: nothing, or the doubled biases of the channels, to which [sp, #28] points.
#define FROM_NOTHING                 \
    "movs r4, #0\n"                  \
    "movs r5, #0\n"                  \
    "movs r6, #0\n"                  \
    "movs r7, #0\n"                  \
    "mov r8, r4\n"                   \
    "mov r9, r4\n"                   \
    "mov r10, r4\n"                  \
    "mov r11, r4\n"
#define FROM_BIAS                    \
    "ldr r3, [sp, #28]\n"            \
    "ldr r4, [r3]\n"                 \
    "ldr r6, [r3, #16]\n"            \
    "ldr r8, [r3, #32]\n"            \
    "ldr r10, [r3, #48]\n"           \
    "mov r5, r4\n"                   \
    "mov r7, r6\n"                   \
    "mov r9, r8\n"                   \
    "mov r11, r10\n"

// As columns.h declares it.
FUNCTION("columns_dot_s16",
    "push {r4-r11, lr}\n"
    "ldrd r4, r5, [sp, #36]\n"    // runs, rewind
    "sub sp, #28\n"
    "str r0, [sp, #16]\n"
    "add r0, r0, r4, lsl #5\n"    // the end of the sums
    "str r0, [sp, #20]\n"
    "lsl r6, r3, #5\n"
    "strd r6, r5, [sp, #8]\n"
    ENTER("r3", "88")
    "1:\n"
    "ldr r0, [sp, #8]\n"
    "add r0, r2\n"
    "str r0, [sp, #4]\n"
    SUMS(FROM_NOTHING, HALF_S16 HALF_S16)
    "ldrd r0, r3, [sp, #12]\n"
    "sub r1, r1, r0\n"
    "stmia r3!, {r4-r11}\n"
    "ldr r0, [sp, #20]\n"
    "str r3, [sp, #16]\n"
    "cmp r0, r3\n"
    "bne 1b\n"
    "add sp, #28\n"
    "pop {r4-r11, pc}\n");

// One channel's sums in registers a and b become bytes, by TO_BYTE. Those that did not begin with the bias are doubled by
// `shift` first.
#define CHANNEL(a, b, TO_BYTE)            \
    "ldmia r1!, {r0, r3, r12, lr}\n"      \
    TO_BYTE(a, "r3", "r12", "lr", "r0") TO_BYTE(b, "r3", "r12", "lr", "r0")
#define BIASED(a, b, shift, TO_BYTE)      \
    "ldmia r1!, {r0, r3, r12, lr}\n"      \
    "add " a ", r0, " a shift "\n"        \
    "add " b ", r0, " b shift "\n"        \
    TO_BYTE(a, "r3", "r12", "lr", "r0") TO_BYTE(b, "r3", "r12", "lr", "r0")
#define CHANNELS(TO_BYTE)                                               \
    CHANNEL("r4", "r5", TO_BYTE) CHANNEL("r6", "r7", TO_BYTE)           \
    CHANNEL("r8", "r9", TO_BYTE) CHANNEL("r10", "r11", TO_BYTE)
#define CHANNELS_OF_BYTES(second, TO_BYTE)                                                \
    BIASED("r4", "r5", ", lsl #1", TO_BYTE) BIASED("r6", "r7", second, TO_BYTE)           \
    BIASED("r8", "r9", ", lsl #1", TO_BYTE) BIASED("r10", "r11", second, TO_BYTE)

// As columns.h declares it.   Bytes of a quad: 2^log_weights of weights, `code` of
// instructions.
//   [sp] where a group enters the loop, end of its weights, bytes of its weights, x, y, y_right, end of y, channels, again
#define OUTPUT(name, log_weights, code, FIRST, QUAD, PREPARE, CHANNELS) \
    FUNCTION(name,                                                  \
        "push {r4-r11, lr}\n"                                       \
        "ldrd r4, r5, [sp, #36]\n"    /* quads, groups */           \
        "ldrd r6, r7, [sp, #44]\n"   /* channels, again */          \
        "sub sp, #36\n"                                             \
        "str r7, [sp, #32]\n"                                       \
        "add r5, r0, r5, lsl #2\n"    /* the end of y */            \
        "strd r0, r1, [sp, #16]\n"                                  \
        "strd r5, r6, [sp, #24]\n"                                  \
        "lsl r5, r4, #" log_weights "\n"                            \
        "strd r5, r2, [sp, #8]\n"                                   \
        "mov r2, r3\n"                                              \
        ENTER("r4", code)                                           \
        "1:\n"                                                      \
        "ldrd r0, r1, [sp, #8]\n"                                   \
        "add r0, r2\n"                                              \
        "str r0, [sp, #4]\n"                                        \
        SUMS(FIRST, QUAD)                                           \
        PREPARE                                                     \
        "ldr r1, [sp, #28]\n"                                       \
        CHANNELS                                                    \
        "ldrd r0, r3, [sp, #16]\n"                                  \
        "str r1, [sp, #28]\n"                                       \
        "ldr r1, [sp, #24]\n"                                       \
        "strb r5, [r3], #1\n"    /* the right column first: it may be the left one again */ \
        "strb r7, [r3], #1\n"                                       \
        "strb r9, [r3], #1\n"                                       \
        "strb r11, [r3], #1\n"                                      \
        "strb r4, [r0], #1\n"                                       \
        "strb r6, [r0], #1\n"                                       \
        "strb r8, [r0], #1\n"                                       \
        "strb r10, [r0], #1\n"                                      \
        "strd r0, r3, [sp, #16]\n"                                  \
        "cmp r0, r1\n"                                              \
        "bne 1b\n"                                                  \
        "ldr r1, [sp, #32]\n"                                       \
        "cbz r1, 4f\n"                                              \
        "ldr r12, [sp, #28]\n"       /* one group more, so far back */ \
        "subs r0, r1\n"                                             \
        "subs r3, r1\n"                                             \
        "sub r12, r12, r1, lsl #4\n"                                \
        "strd r0, r3, [sp, #16]\n"                                  \
        "adds r0, #4\n"                                             \
        "strd r0, r12, [sp, #24]\n"                                 \
        "movs r1, #0\n"                                             \
        "str r1, [sp, #32]\n"                                       \
        "b 1b\n"                                                    \
        "4:\n"                                                      \
        "add sp, #36\n"                                             \
        "pop {r4-r11, pc}\n")

// Both functions of a kind of weights: for any layer, and for one that rectifies.
#define OUTPUTS(kind, log_weights, code, FIRST, QUAD, PREPARE, CHANNELS)                                       \
    OUTPUT("columns_output_" kind, log_weights, code, FIRST, QUAD, PREPARE, CHANNELS(SUM_TO_BYTE));            \
    OUTPUT("columns_rectified_" kind, log_weights, code, FIRST, QUAD, PREPARE, CHANNELS(RECTIFIED_TO_BYTE))

#define CHANNELS_TWO(TO_BYTE) CHANNELS_OF_BYTES(", asr #7", TO_BYTE)
#define CHANNELS_ONE(TO_BYTE) CHANNELS_OF_BYTES(", lsl #1", TO_BYTE)

OUTPUTS("s16", "5", "88", FROM_BIAS, HALF_S16 HALF_S16, "", CHANNELS);
OUTPUTS("bytes", "4", "96", FROM_NOTHING, HALF_BYTES HALF_BYTES, PART, CHANNELS_TWO);
OUTPUTS("s8", "4", "120", FROM_NOTHING, QUAD_S8, "", CHANNELS_ONE);

// A word of both columns: at r8, and r2 behind it.
#define WORD                         \
    "ldr r7, [r8, r2]\n"             \
    "ldr r6, [r8], #4\n"             \
    "sxtb16 r5, r7\n"                \
    "sxtb16 r4, r6\n"                \
    "sxtb16 r7, r7, ror #8\n"        \
    "sxtb16 r6, r6, ror #8\n"        \
    "stmia r0!, {r4-r7}\n"

// As columns.h declares it.   r8 x of a row   r9 pairs of words left   r10 rows left   r11 words   r12 gap
FUNCTION("columns_widen_s8",
    "push {r4-r11, lr}\n"
    "ldrd r10, r11, [sp, #36]\n"
    "ldr r12, [sp, #44]\n"
    "cmp r11, #0\n"
    "beq 4f\n"
    "1:\n"
    "mov r8, r1\n"
    "lsrs r9, r11, #1\n"
    "bcc 2f\n"
    WORD
    "cmp r9, #0\n"
    "beq 3f\n"
    ".balign 4\n"
    "2:\n"
    WORD WORD
    "subs r9, #1\n"
    "bne 2b\n"
    "3:\n"
    "add r0, r12\n"
    "add r1, r3\n"
    "subs r10, #1\n"
    "bne 1b\n"
    "4:\n"
    "pop {r4-r11, pc}\n");

#undef WORD

#undef CHANNELS_ONE
#undef CHANNELS_TWO
#undef OUTPUTS
#undef OUTPUT
#undef CHANNELS_OF_BYTES
#undef CHANNELS
#undef BIASED
#undef CHANNEL
#undef FROM_BIAS
#undef FROM_NOTHING
#undef PART
#undef QUAD_S8
#undef PAIR_S8
#undef HALF_BYTES
#endif
