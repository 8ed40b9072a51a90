// The inner loop of the packed convolutions: two columns of pixels times four filters, sixteen multiplications for
// every six words loaded.
#include "columns.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: it needs every register, and the compiler would load the words one by one.
//   r0 x0, r3 x1, r12 w0, lr w1   r1 x   r2 w   r4-r11 the sums
//   [sp] where a run of sums enters the loop, end of its weights, bytes of its weights, rewind, next sums, end of sums

// One pair of taps: 44 bytes.
#define HALF                         \
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
#define QUAD HALF HALF

// Where the first round enters the loop at 2: with -quads mod 4 of its quads left out.
#define ENTER(quads)                 \
    "rsb r3, " quads ", #0\n"        \
    "and r3, r3, #3\n"               \
    "movs r4, #88\n"                 \
    "adr r5, 2f\n"                   \
    "mla r3, r3, r4, r5\n"           \
    "orr r3, r3, #1\n"               \
    "str r3, [sp]\n"

// The sums r4-r11 of all quads; r0 is the end of the weights.
#define SUMS                         \
    "str r0, [sp, #4]\n"             \
    "movs r4, #0\n"                  \
    "movs r5, #0\n"                  \
    "movs r6, #0\n"                  \
    "movs r7, #0\n"                  \
    "mov r8, r4\n"                   \
    "mov r9, r4\n"                   \
    "mov r10, r4\n"                  \
    "mov r11, r4\n"                  \
    "ldr pc, [sp]\n"                 \
    ".balign 4\n"                    \
    "2:\n" QUAD QUAD QUAD QUAD       \
    "ldr r0, [sp, #4]\n"             \
    "cmp r2, r0\n"                   \
    "bne 2b\n"

__asm__(".syntax unified\n"
        ".thumb\n"
        ".section .text.columns_dot_s16, \"ax\", %progbits\n"
        ".balign 4\n"
        ".global columns_dot_s16\n"
        ".thumb_func\n"
        ".type columns_dot_s16, %function\n"
        "columns_dot_s16:\n"
        "push {r4-r11, lr}\n"
        "ldrd r4, r5, [sp, #36]\n"    // runs, rewind
        "sub sp, #28\n"
        "str r0, [sp, #16]\n"
        "add r0, r0, r4, lsl #5\n"    // the end of the sums
        "str r0, [sp, #20]\n"
        "lsl r6, r3, #5\n"
        "strd r6, r5, [sp, #8]\n"
        ENTER("r3")
        "1:\n"
        "ldr r0, [sp, #8]\n"
        "add r0, r2\n"
        SUMS
        "ldrd r0, r3, [sp, #12]\n"
        "sub r1, r1, r0\n"
        "stmia r3!, {r4-r11}\n"
        "ldr r0, [sp, #20]\n"
        "str r3, [sp, #16]\n"
        "cmp r0, r3\n"
        "bne 1b\n"
        "add sp, #28\n"
        "pop {r4-r11, pc}\n"
        ".size columns_dot_s16, . - columns_dot_s16\n"
        ".text\n");

// One channel's sums in registers a and b become bytes.
#define CHANNEL(a, b)                     \
    "ldmia r1!, {r0, r3, r12, lr}\n"      \
    "add " a ", r0\n"                     \
    "add " b ", r0\n"                     \
    "smmulr " a ", " a ", r3\n"           \
    "smmulr " b ", " b ", r3\n"           \
    "add " a ", " a ", " a ", asr #31\n"  \
    "add " b ", " b ", " b ", asr #31\n"  \
    "add " a ", r12\n"                    \
    "add " b ", r12\n"                    \
    "asr " a ", lr\n"                     \
    "asr " b ", lr\n"                     \
    "ssat " a ", #8, " a "\n"             \
    "ssat " b ", #8, " b "\n"

//   [sp] where a group enters the loop, end of its weights, bytes of its weights, x, y, y_right, end of y, channels
__asm__(".syntax unified\n"
        ".thumb\n"
        ".section .text.columns_output_s8, \"ax\", %progbits\n"
        ".balign 4\n"
        ".global columns_output_s8\n"
        ".thumb_func\n"
        ".type columns_output_s8, %function\n"
        "columns_output_s8:\n"
        "push {r4-r11, lr}\n"
        "ldrd r4, r5, [sp, #36]\n"    // quads, groups
        "ldr r6, [sp, #44]\n"
        "sub sp, #36\n"
        "add r5, r0, r5, lsl #2\n"    // the end of y
        "strd r0, r1, [sp, #16]\n"
        "strd r5, r6, [sp, #24]\n"
        "lsl r5, r4, #5\n"
        "strd r5, r2, [sp, #8]\n"
        "mov r2, r3\n"
        ENTER("r4")
        "1:\n"
        "ldrd r0, r1, [sp, #8]\n"
        "add r0, r2\n"
        SUMS
        "ldr r1, [sp, #28]\n"
        CHANNEL("r4", "r5") CHANNEL("r6", "r7") CHANNEL("r8", "r9") CHANNEL("r10", "r11")
        "ldrd r0, r3, [sp, #16]\n"
        "str r1, [sp, #28]\n"
        "ldr r1, [sp, #24]\n"
        "strb r5, [r3], #1\n"         // the right column first: it may be the left one again
        "strb r7, [r3], #1\n"
        "strb r9, [r3], #1\n"
        "strb r11, [r3], #1\n"
        "strb r4, [r0], #1\n"
        "strb r6, [r0], #1\n"
        "strb r8, [r0], #1\n"
        "strb r10, [r0], #1\n"
        "strd r0, r3, [sp, #16]\n"
        "cmp r0, r1\n"
        "bne 1b\n"
        "add sp, #36\n"
        "pop {r4-r11, pc}\n"
        ".size columns_output_s8, . - columns_output_s8\n"
        ".text\n");

#undef CHANNEL
#undef SUMS
#undef ENTER
#undef QUAD
#undef HALF
#else
// sums (4, 2): one run, modulo 2^32    x (quads, 2, 2, 2)  w (quads, 2, 4, 2)
static void run(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads) {
    for (int32_t k = 0; k < 4; k++, sums += 2, w += 2) {
        uint32_t a = 0, b = 0;
        const int16_t *v = x, *u = w;
        for (int32_t p = 0; p < 2 * quads; p++, v += 4, u += 8) {
            a += (uint32_t)(v[0] * u[0] + v[1] * u[1]);
            b += (uint32_t)(v[2] * u[0] + v[3] * u[1]);
        }
        sums[0] = (int32_t)a;
        sums[1] = (int32_t)b;
    }
}

void columns_dot_s16(
    int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads, int32_t runs, int32_t rewind
) {
    for (; runs > 0; runs--, sums += 8, w += 16 * quads) {
        run(sums, x, w, quads);
        x += 8 * quads - rewind / 2;
    }
}

void columns_output_s8(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels
) {
    packed_output output = {channels, INT8_MIN, INT8_MAX};
    for (; groups > 0; groups--, y += 4, y_right += 4, w += 16 * quads, output.channels += 16) {
        int32_t sums[8];
        run(sums, x, w, quads);
        columns_finish_s8(y, y_right, sums, 4, &output);
    }
}
#endif
