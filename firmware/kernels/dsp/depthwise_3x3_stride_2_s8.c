// Depthwise 3 x 3 windows, strides of 2: four outputs at a time, 36 taps in 24 multiplications.
#include "assembly.h"
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: it needs every register, and the compiler would load the words one by one.
//   r0 y or a weight   r1 x   r2 channel   r4-r7 the sums   r8-r12 words of x   r3, lr weights

#define VALUE(a) SUM_TO_BYTE(a, "r8", "r12", "lr", "r3")

// Four outputs, two columns apart, of the nine words of a row of pairs. The first multiplications add to `first`, which is
// r4 or each its own sum; r7 has its bias.
#define ROW(before, r5_first, r6_first)             \
    "ldmia r2!, {r0, r3, lr}\n"                     \
    "ldmia r1!, {r8-r12}\n"                         \
    before                                          \
    "smlad r5, r10, r0, " r5_first "\n"             \
    "smlad r6, r12, r0, " r6_first "\n"             \
    ACCUMULATE("smlad", "r4", "r8", "r0") ACCUMULATE("smlad", "r4", "r9", "r3") ACCUMULATE("smlad", "r4", "r10", "lr") \
    ACCUMULATE("smlad", "r5", "r11", "r3") ACCUMULATE("smlad", "r5", "r12", "lr") \
    "ldmia r1, {r8-r11}\n"                          \
    ACCUMULATE("smlad", "r6", "r8", "r3") ACCUMULATE("smlad", "r6", "r9", "lr") \
    ACCUMULATE("smlad", "r7", "r9", "r0") ACCUMULATE("smlad", "r7", "r10", "r3") ACCUMULATE("smlad", "r7", "r11", "lr")

// As much as the last column of y allows.
#define AT_MOST_R8(r)                               \
    "cmp " r ", r8\n"                               \
    "it gt\n"                                       \
    "movgt " r ", r8\n"

//   [sp] from the fifth word of a row of pairs to the next row, y_c, bytes of a row of y, rows left, columns, y and x of
//   the row, y, columns left, bytes to the second to fourth output, what r1 is ahead of the outputs
FUNCTION("depthwise_3x3_stride_2_s8",
    "push {r4-r11, lr}\n"
    "sub sp, #52\n"
    "ldmia r3, {r4-r8}\n"
    "add r9, r4, #20\n"
    "str r9, [sp, #48]\n"
    "sub r4, #20\n"
    "stmia sp, {r4-r8}\n"
    "sub r8, #1\n"
    "mul r8, r8, r5\n"
    "add r9, r5, r5\n"
    "add r10, r9, r5\n"
    AT_MOST_R8("r5") AT_MOST_R8("r9") AT_MOST_R8("r10")
    "strd r5, r9, [sp, #36]\n"
    "str r10, [sp, #44]\n"
    "1:\n"
    "strd r0, r1, [sp, #20]\n"
    "ldr r3, [sp, #16]\n"
    "strd r0, r3, [sp, #28]\n"
    ".balign 4\n"
    "2:\n"
    "ldr r4, [r2, #24]\n"
    ROW("mov r7, r4\n", "r4", "r4")
    "ldr r8, [sp]\n"
    "add r1, r8\n"
    ROW("", "r5", "r6")
    "ldmia r2, {r3, r8, r12, lr}\n"
    "sub r2, #24\n"
    VALUE("r4") VALUE("r5") VALUE("r6") VALUE("r7")
    "ldrd r0, r3, [sp, #28]\n"
    "ldrd r8, r9, [sp, #36]\n"
    "ldr r10, [sp, #44]\n"
    "strb r7, [r0, r10]\n"          // the last one first: it may be another one again
    "strb r6, [r0, r9]\n"
    "strb r5, [r0, r8]\n"
    "strb r4, [r0]\n"
    "subs r3, #4\n"
    "ble 3f\n"
    "str r3, [sp, #32]\n"
    "ldr r9, [sp, #48]\n"
    "cmp r3, #4\n"
    "it gt\n"
    "movgt r3, #4\n"
    "mla r0, r3, r8, r0\n"
    "str r0, [sp, #28]\n"
    "sub r1, r9\n"
    "add r1, r1, r3, lsl #3\n"
    "b 2b\n"
    "3:\n"
    "ldrd r0, r1, [sp, #20]\n"
    "ldrd r12, r3, [sp, #8]\n"
    "ldr r4, [sp]\n"
    "add r0, r12\n"
    "add r1, r4\n"
    "add r1, #20\n"
    "subs r3, #1\n"
    "str r3, [sp, #12]\n"
    "bne 1b\n"
    "add sp, #52\n"
    "pop {r4-r11, pc}\n");

#undef AT_MOST_R8
#undef ROW
#undef VALUE
#else
void depthwise_3x3_stride_2_s8(int8_t *y, const uint32_t *x, const int32_t *channel, const depthwise_rows *p) {
    const uint32_t *w = (const uint32_t *)channel;
    const packed_scale scale = packed_channel(channel + 6);
    const int32_t columns = p->x_row / 4;
    for (int32_t rows = p->rows; rows > 0; rows--, y += p->y_row, x += columns) {
        for (int32_t j = 0; j < p->columns; j++) {
            int32_t acc = 0;
            for (int32_t b = 0; b < 3; b++) {
                acc = multiply_add(multiply_add(acc, x[2 * j + b], w[b]), x[columns + 2 * j + b], w[3 + b]);
            }
            y[j * p->y_c] = (int8_t)packed_value(acc, &scale);
        }
    }
}
#endif
