// Four windows of a filter at a time, from the image as it lies: each word of weights, which comes from the flash, serves
// four pixels; sixteen multiplications a word. The same in plain C below.
#include "windows.h"

#include "packed.h"

#ifdef DSP_INSTRUCTIONS
#include "assembly.h"
// Assembly as a whole: it needs every register.
//   r0-r3 the windows   r4-r7 their sums   r8 where a word lies   r9, r10 its weights   r11, r12 words of x   lr table

#define PRODUCTS(sum, word, spare)             \
    "sxtb16 " spare ", " word "\n"             \
    "smlad " sum ", " spare ", r9, " sum "\n"  \
    "sxtb16 " word ", " word ", ror #8\n"      \
    "smlad " sum ", " word ", r10, " sum "\n"

// A word of weights: 84 bytes.
#define WORD                         \
    "ldmia lr!, {r8-r10}\n"          \
    "ldr r11, [r0, r8]\n"            \
    PRODUCTS("r4", "r11", "r12")     \
    "ldr r11, [r1, r8]\n"            \
    PRODUCTS("r5", "r11", "r12")     \
    "ldr r11, [r2, r8]\n"            \
    "ldr r8, [r3, r8]\n"             \
    PRODUCTS("r6", "r11", "r12")     \
    PRODUCTS("r7", "r8", "r12")

#define VALUE(sum) SUM_TO_BYTE(sum, "r9", "r10", "r11", "r12")

//   [sp] where a row enters the loop, its end in the table, the end of the table, bytes of a row there, table, step,
//   below, windows left less 4, x, y_step, y; behind the saved registers start, channel
FUNCTION("windows_output_s8",
    "push {r4-r11, lr}\n"
    "sub sp, #44\n"
    "strd r1, r0, [sp, #36]\n"
    "ldmia r2, {r0, r1, r4-r8}\n"   // x, at, rows, words, below, step, n
    "add r0, r1\n"
    "subs r8, #4\n"
    "rsb r9, r5, #0\n"              // the first round of a row leaves -words mod 4 of them out
    "and r9, r9, #3\n"
    "movs r10, #84\n"
    "adr r11, 2f\n"
    "mla r9, r9, r10, r11\n"
    "orr r9, r9, #1\n"
    "str r9, [sp]\n"
    "add r5, r5, r5, lsl #1\n"
    "lsl r5, #2\n"
    "mla r4, r4, r5, r3\n"
    "strd r4, r5, [sp, #8]\n"
    "strd r3, r7, [sp, #16]\n"
    "strd r6, r8, [sp, #24]\n"
    "1:\n"                          // r0 the first of four windows
    "str r0, [sp, #32]\n"
    "ldrd lr, r3, [sp, #16]\n"
    "ldr r8, [sp, #12]\n"
    "ldr r4, [sp, #80]\n"
    "add r8, lr\n"
    "add r1, r0, r3\n"
    "add r2, r1, r3\n"
    "add r3, r2\n"
    "mov r5, r4\n"
    "mov r6, r4\n"
    "mov r7, r4\n"
    "4:\n"                          // a row that ends at r8
    "str r8, [sp, #4]\n"
    "ldr pc, [sp]\n"
    ".balign 4\n"
    "2:\n"
    WORD WORD WORD WORD
    "ldrd r8, r9, [sp, #4]\n"
    "cmp lr, r8\n"
    "bne 2b\n"
    "cmp lr, r9\n"
    "beq 3f\n"
    "ldr r9, [sp, #12]\n"
    "ldr r10, [sp, #24]\n"
    "add r8, r9\n"
    "add r0, r10\n"
    "add r1, r10\n"
    "add r2, r10\n"
    "add r3, r10\n"
    "b 4b\n"
    "3:\n"
    "ldr r8, [sp, #84]\n"
    "ldmia r8, {r8-r11}\n"
    VALUE("r4") VALUE("r5") VALUE("r6") VALUE("r7")
    "add r0, sp, #28\n"
    "ldmia r0, {r0-r3}\n"           // windows left, x, y_step, y
    "add r8, r3, r2, lsl #1\n"
    "strb r4, [r3]\n"
    "strb r5, [r3, r2]\n"
    "strb r6, [r8]\n"
    "strb r7, [r8, r2]\n"
    "cbz r0, 5f\n"
    "cmp r0, #4\n"
    "ite gt\n"
    "movgt r4, #4\n"
    "movle r4, r0\n"
    "subs r0, r4\n"
    "mla r3, r4, r2, r3\n"
    "str r0, [sp, #28]\n"
    "str r3, [sp, #40]\n"
    "ldr r2, [sp, #20]\n"
    "mla r0, r4, r2, r1\n"
    "b 1b\n"
    "5:\n"
    "add sp, #44\n"
    "pop {r4-r11, pc}\n");

#undef VALUE
#undef WORD
#undef PRODUCTS
#else
INLINED int32_t add_word(int32_t sum, const int8_t *x, const int32_t *weights) {
    const uint32_t even = (uint32_t)weights[0], odd = (uint32_t)weights[1];
    return sum + x[0] * low_half(even) + x[2] * high_half(even) + x[1] * low_half(odd) + x[3] * high_half(odd);
}

void windows_output_s8(
    int8_t *y, int32_t y_step, const seen_windows *windows, const int32_t *table, int32_t start, const int32_t *channel
) {
    const packed_scale scale = {0, channel[1], channel[2], channel[3]};
    const int32_t step = windows->step, row_table = 3 * windows->words;
    for (int32_t k = 0;; k = k + 8 < windows->n ? k + 4 : windows->n - 4) {
        const int8_t *row = windows->x + (windows->at + k * step);
        const int32_t *w = table;
        sums_4 s = {start, start, start, start};
        for (int32_t i = windows->rows; i > 0; i--, row += windows->below) {
            for (const int32_t *const end = w + row_table; w != end; w += 3) {
                s.a = add_word(s.a, row + w[0], w + 1);
                s.b = add_word(s.b, row + step + w[0], w + 1);
                s.c = add_word(s.c, row + 2 * step + w[0], w + 1);
                s.d = add_word(s.d, row + 3 * step + w[0], w + 1);
            }
        }
        int8_t *const out = y + k * y_step;
        out[0] = (int8_t)packed_value(s.a, &scale);
        out[y_step] = (int8_t)packed_value(s.b, &scale);
        out[2 * y_step] = (int8_t)packed_value(s.c, &scale);
        out[3 * y_step] = (int8_t)packed_value(s.d, &scale);
        if (k == windows->n - 4) break;
    }
}
#endif
