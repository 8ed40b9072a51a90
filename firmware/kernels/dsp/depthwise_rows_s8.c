// Two rows of a depthwise 3 x 3 convolution at once: 18 taps of two outputs in twelve multiplications.
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: the weights take six registers, and the compiler would load them again for each pixel.
//   r0 y   r1 x   r2 bytes of a row of x   r4-r9 weights   r3, r12 words of x   r10, r11 the sums   lr end of the row of y
//   [sp] bias, bias, multiplier, offset, shift, distance of the lower row, y_c, rows left, bytes of a row of y

// A column of the window: pairs of two rows of x each meet the weights of both outputs.
#define COLUMN(step, first, second)                  \
    "ldr r12, [r1, r2]\n"                            \
    "ldr r3, [r1], #" step "\n"                      \
    "smlad r10, r3, " first ", r10\n"                \
    "smlatb r11, r3, " first ", r11\n"               \
    "smlabt r10, r12, " second ", r10\n"             \
    "smlad r11, r12, " second ", r11\n"

__asm__(".syntax unified\n"
        ".thumb\n"
        ".section .text.depthwise_rows_s8, \"ax\", %progbits\n"
        ".balign 4\n"
        ".global depthwise_rows_s8\n"
        ".thumb_func\n"
        ".type depthwise_rows_s8, %function\n"
        "depthwise_rows_s8:\n"
        "push {r4-r11, lr}\n"
        "sub sp, #36\n"
        "ldmia r3, {r4-r7}\n"           // x_row, y_c, y_row, rows
        "str r5, [sp, #24]\n"
        "strd r7, r6, [sp, #28]\n"
        "mov r3, r2\n"
        "mov r2, r4\n"
        "ldmia r3!, {r4-r9}\n"
        "ldmia r3, {r3, r10, r11, r12}\n"
        "strd r3, r3, [sp]\n"
        "strd r10, r11, [sp, #8]\n"
        "str r12, [sp, #16]\n"
        "1:\n"
        "ldrd r3, r12, [sp, #28]\n"
        "add lr, r0, r12\n"
        "cmp r3, #1\n"
        "it eq\n"
        "moveq r12, #0\n"
        "str r12, [sp, #20]\n"
        ".balign 4\n"
        "2:\n"
        "ldrd r10, r11, [sp]\n"
        COLUMN("4", "r4", "r5") COLUMN("4", "r6", "r7") COLUMN("-4", "r8", "r9")
        "ldr r3, [sp, #8]\n"
        "smmulr r10, r10, r3\n"
        "smmulr r11, r11, r3\n"
        "ldrd r3, r12, [sp, #12]\n"
        "add r10, r10, r10, asr #31\n"
        "add r11, r11, r11, asr #31\n"
        "add r10, r3\n"
        "add r11, r3\n"
        "asr r10, r12\n"
        "asr r11, r12\n"
        "ldrd r3, r12, [sp, #20]\n"
        "ssat r10, #8, r10\n"
        "ssat r11, #8, r11\n"
        "strb r11, [r0, r3]\n"          // first: it may lie where the upper one does
        "strb r10, [r0]\n"
        "add r0, r12\n"
        "cmp r0, lr\n"
        "bne 2b\n"
        "ldrd r3, r12, [sp, #28]\n"
        "add r0, r12\n"
        "add r1, #8\n"
        "subs r3, #2\n"
        "str r3, [sp, #28]\n"
        "bgt 1b\n"
        "add sp, #36\n"
        "pop {r4-r11, pc}\n"
        ".size depthwise_rows_s8, . - depthwise_rows_s8\n"
        ".text\n");

#undef COLUMN
#else
void depthwise_rows_s8(int8_t *y, const uint32_t *x, const int32_t *channel, const depthwise_rows *p) {
    const uint32_t *w = (const uint32_t *)channel;
    const packed_scale scale = packed_channel(channel + 6);
    const int32_t columns = p->x_row / 4;
    for (int32_t rows = p->rows; rows > 0; rows -= 2, y += 2 * p->y_row, x += columns) {
        const int32_t below = rows > 1 ? p->y_row : 0;
        for (int32_t j = 0; j < columns - 2; j++) {
            int32_t upper = 0, lower = 0;
            for (int32_t b = 0; b < 3; b++) {
                const uint32_t first = x[j + b], second = x[columns + j + b];
                upper = multiply_add_low_high(multiply_add(upper, first, w[2 * b]), second, w[2 * b + 1]);
                lower = multiply_add(multiply_add_high_low(lower, first, w[2 * b]), second, w[2 * b + 1]);
            }
            y[below + j * p->y_c] = (int8_t)packed_value(lower, &scale);  // first: it may lie where the upper one does
            y[j * p->y_c] = (int8_t)packed_value(upper, &scale);
        }
    }
}
#endif
