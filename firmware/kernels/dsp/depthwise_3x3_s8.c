// Depthwise 3 x 3 windows, strides of 1: four or eight outputs at a time, 36 taps in 24 multiplications.
#include "assembly.h"
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: it needs every register, and the compiler would load the words one by one.
//   r0 y   r1 x   r2 channel   r4-r7 the sums   r8-r12 words of x   r3, r12, lr weights

#define VALUE(a) SUM_TO_BYTE(a, "r8", "r12", "lr", "r3")

// The upper and the lower output of a column, one column of the window.
#define BOTH(upper, lower, a, b, x, w) ACCUMULATE(upper, a, x, w) ACCUMULATE(lower, b, x, w)

// The same for two columns of outputs, whose sums are r4 and r6, r5 and r7.
#define COLUMN(upper, lower, left, right, w) \
    BOTH(upper, lower, "r4", "r6", left, w) BOTH(upper, lower, "r5", "r7", right, w)

// What the fifth and sixth of six words add to the third and fourth of four columns.
#define LAST_OF_SIX(upper, lower)                                                        \
    BOTH(upper, lower, "r6", "r10", "r0", "r12") BOTH(upper, lower, "r7", "r11", "r0", "r3") \
    BOTH(upper, lower, "r7", "r11", "lr", "r12")

#define BYTE(a) SUM_TO_BYTE(a, "r2", "r3", "r12", "r0")

// Two rows of outputs, four columns at a time (5), then two (2), then the last one (3).
// At 5: r0, lr words of x, r2, r3, r12 weights, r4-r7 sums of the upper row, r8-r11 of the lower one.
//   [sp] bytes of a row of pairs, y_c, distance of the lower row, bytes of a row of y, rows left, columns,
//   bytes of all even columns, end of those, y, x, end of the columns in fours, channel (10 words), where it is,
//   y of the loop, bytes of all columns in fours, from the fifth word of a row of pairs to the next row
FUNCTION("depthwise_3x3_s8",
    "push {r4-r11, lr}\n"
    "sub sp, #100\n"
    "ldmia r3, {r4-r8}\n"
    "strd r4, r5, [sp]\n"
    "strd r6, r7, [sp, #12]\n"
    "bic r9, r8, #1\n"
    "mul r9, r9, r5\n"
    "strd r8, r9, [sp, #20]\n"
    "bic r9, r8, #3\n"
    "mul r9, r9, r5\n"
    "subs r4, #16\n"
    "strd r9, r4, [sp, #92]\n"
    "cmp r8, #4\n"
    "blt 1f\n"
    "ldmia r2, {r3-r12}\n"
    "add lr, sp, #44\n"
    "stmia lr, {r3-r12}\n"
    "str r2, [sp, #84]\n"
    "1:\n"
    "strd r0, r1, [sp, #32]\n"
    "ldrd r12, r3, [sp, #12]\n"
    "ldr r4, [sp, #24]\n"
    "cmp r3, #1\n"
    "it eq\n"
    "moveq r12, #0\n"
    "str r12, [sp, #8]\n"
    "adds r4, r0\n"
    "str r4, [sp, #28]\n"
    "ldr r4, [sp, #92]\n"
    "cbz r4, 6f\n"
    "adds r4, r0\n"
    "str r4, [sp, #40]\n"
    "str r0, [sp, #88]\n"
    "b.w 5f\n"
    "6:\n"
    "ldr r4, [sp, #28]\n"
    "cmp r4, r0\n"
    "beq.w 3f\n"
    ".balign 4\n"
    "2:\n"
    "ldr r4, [r2, #24]\n"
    "ldmia r1, {r8-r11}\n"
    "ldmia r2!, {r3, r12, lr}\n"
    "smlad r5, r9, r3, r4\n"
    "smlatb r6, r8, r3, r4\n"
    "smlatb r7, r9, r3, r4\n"
    "smlad r4, r8, r3, r4\n"
    "ldr r3, [sp]\n"
    COLUMN("smlad", "smlatb", "r9", "r10", "r12") COLUMN("smlad", "smlatb", "r10", "r11", "lr")
    "add r3, r1\n"
    "ldmia r3, {r8-r11}\n"
    "ldmia r2!, {r3, r12, lr}\n"
    "add r1, #8\n"
    COLUMN("smlabt", "smlad", "r8", "r9", "r3") COLUMN("smlabt", "smlad", "r9", "r10", "r12")
    COLUMN("smlabt", "smlad", "r10", "r11", "lr")
    "ldmia r2, {r3, r8, r12, lr}\n"
    "sub r2, #24\n"
    VALUE("r4") VALUE("r5") VALUE("r6") VALUE("r7")
    "ldrd r3, r12, [sp, #4]\n"
    "add r12, r0\n"
    "strb r7, [r12, r3]\n"      // the lower row first: it may lie where the upper one does
    "strb r6, [r12]\n"
    "ldr r12, [sp, #28]\n"
    "strb r5, [r0, r3]\n"
    "strb r4, [r0]\n"
    "add r0, r0, r3, lsl #1\n"
    "cmp r0, r12\n"
    "bne 2b\n"
    "3:\n"
    "ldr r3, [sp, #20]\n"
    "lsls r3, #31\n"
    "beq 4f\n"
    "ldr r4, [r2, #24]\n"
    "ldmia r1, {r8-r10}\n"
    "ldmia r2!, {r3, r12, lr}\n"
    "smlatb r6, r8, r3, r4\n"
    "smlad r4, r8, r3, r4\n"
    "ldr r3, [sp]\n"
    ACCUMULATE("smlad", "r4", "r9", "r12") ACCUMULATE("smlatb", "r6", "r9", "r12")
    ACCUMULATE("smlad", "r4", "r10", "lr") ACCUMULATE("smlatb", "r6", "r10", "lr")
    "add r3, r1\n"
    "ldmia r3, {r8-r10}\n"
    "ldmia r2!, {r3, r12, lr}\n"
    ACCUMULATE("smlabt", "r4", "r8", "r3") ACCUMULATE("smlad", "r6", "r8", "r3")
    ACCUMULATE("smlabt", "r4", "r9", "r12") ACCUMULATE("smlad", "r6", "r9", "r12")
    ACCUMULATE("smlabt", "r4", "r10", "lr") ACCUMULATE("smlad", "r6", "r10", "lr")
    "ldmia r2, {r3, r8, r12, lr}\n"
    "sub r2, #24\n"
    VALUE("r4") VALUE("r6")
    "ldr r12, [sp, #8]\n"
    "strb r6, [r0, r12]\n"
    "strb r4, [r0]\n"
    "4:\n"
    "ldrd r0, r1, [sp, #32]\n"
    "ldrd r12, r3, [sp, #12]\n"
    "ldr r4, [sp]\n"
    "add r0, r0, r12, lsl #1\n"
    "add r1, r4\n"
    "subs r3, #2\n"
    "str r3, [sp, #16]\n"
    "bgt.w 1b\n"
    "add sp, #100\n"
    "pop {r4-r11, pc}\n"
    ".balign 4\n"
    "5:\n"
    "ldr r11, [sp, #68]\n"
    "ldrd r2, r3, [sp, #44]\n"
    "ldr r12, [sp, #52]\n"
    "ldmia r1!, {r0, lr}\n"
    "smlad r4, r0, r2, r11\n"
    "smlatb r8, r0, r2, r11\n"
    BOTH("smlad", "smlatb", "r4", "r8", "lr", "r3")
    "smlad r5, lr, r2, r11\n"
    "smlatb r9, lr, r2, r11\n"
    "ldmia r1!, {r0, lr}\n"
    BOTH("smlad", "smlatb", "r4", "r8", "r0", "r12")
    BOTH("smlad", "smlatb", "r5", "r9", "r0", "r3")
    "smlad r6, r0, r2, r11\n"
    "smlatb r10, r0, r2, r11\n"
    BOTH("smlad", "smlatb", "r5", "r9", "lr", "r12")
    BOTH("smlad", "smlatb", "r6", "r10", "lr", "r3")
    "smlad r7, lr, r2, r11\n"
    "smlatb r11, lr, r2, r11\n"
    "ldmia r1, {r0, lr}\n"
    LAST_OF_SIX("smlad", "smlatb")
    "ldr r0, [sp, #96]\n"
    "ldrd r2, r3, [sp, #56]\n"
    "ldr r12, [sp, #64]\n"
    "add r1, r0\n"
    "ldmia r1!, {r0, lr}\n"
    BOTH("smlabt", "smlad", "r4", "r8", "r0", "r2")
    BOTH("smlabt", "smlad", "r4", "r8", "lr", "r3")
    BOTH("smlabt", "smlad", "r5", "r9", "lr", "r2")
    "ldmia r1!, {r0, lr}\n"
    BOTH("smlabt", "smlad", "r4", "r8", "r0", "r12")
    BOTH("smlabt", "smlad", "r5", "r9", "r0", "r3")
    BOTH("smlabt", "smlad", "r6", "r10", "r0", "r2")
    BOTH("smlabt", "smlad", "r5", "r9", "lr", "r12")
    BOTH("smlabt", "smlad", "r6", "r10", "lr", "r3")
    BOTH("smlabt", "smlad", "r7", "r11", "lr", "r2")
    "ldmia r1, {r0, lr}\n"
    LAST_OF_SIX("smlabt", "smlad")
    "ldr r0, [sp]\n"
    "ldrd r2, r3, [sp, #72]\n"
    "ldr r12, [sp, #80]\n"
    "subs r1, r0\n"
    BYTE("r4") BYTE("r5") BYTE("r6") BYTE("r7") BYTE("r8") BYTE("r9") BYTE("r10") BYTE("r11")
    "ldrd r2, r3, [sp, #4]\n"
    "ldr r0, [sp, #88]\n"
    "add r3, r0\n"
    "strb r8, [r3]\n"          // the lower row first: it may lie where the upper one does
    "strb r9, [r3, r2]\n"
    "add r3, r3, r2, lsl #1\n"
    "strb r10, [r3]\n"
    "strb r11, [r3, r2]\n"
    "strb r4, [r0]\n"
    "strb r5, [r0, r2]\n"
    "add r0, r0, r2, lsl #1\n"
    "strb r6, [r0]\n"
    "strb r7, [r0, r2]\n"
    "add r0, r0, r2, lsl #1\n"
    "ldr r3, [sp, #40]\n"
    "str r0, [sp, #88]\n"
    "cmp r0, r3\n"
    "bne.w 5b\n"
    "ldr r2, [sp, #84]\n"
    "b.w 6b\n");

#undef BYTE
#undef LAST_OF_SIX
#undef BOTH
#undef COLUMN
#undef VALUE
#else
void depthwise_3x3_s8(int8_t *y, const uint32_t *x, const int32_t *channel, const depthwise_rows *p) {
    const uint32_t *w = (const uint32_t *)channel;
    const packed_scale scale = packed_channel(channel + 6);
    const int32_t columns = p->x_row / 4;
    for (int32_t rows = p->rows; rows > 0; rows -= 2, y += 2 * p->y_row, x += columns) {
        const int32_t below = rows > 1 ? p->y_row : 0;
        for (int32_t j = 0; j < p->columns; j++) {
            int32_t upper = 0, lower = 0;
            for (int32_t b = 0; b < 3; b++) {
                const uint32_t first = x[j + b], second = x[columns + j + b];
                upper = multiply_add_low_high(multiply_add(upper, first, w[b]), second, w[3 + b]);
                lower = multiply_add(multiply_add_high_low(lower, first, w[b]), second, w[3 + b]);
            }
            y[below + j * p->y_c] = (int8_t)packed_value(lower, &scale);  // first: it may lie where the upper one does
            y[j * p->y_c] = (int8_t)packed_value(upper, &scale);
        }
    }
}
#endif
