// Depthwise windows of any shape: four outputs side by side, which see runs of pairs side by side.
#include "assembly.h"
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: four sums and four words of x in registers, of which each step replaces one.
//   r0 y   r1 x   r2 weights   r3 a weight   r4-r7 the sums   r8-r11 words of x   r12 runs   lr x of the run
//   [sp] bytes to the second to fourth output, columns left, runs, their end, weights, scale

// A pair of the window for four outputs; `last` is loaded for the right one.
#define STEP(a, b, c, last)          \
    "ldr " last ", [lr], #4\n"       \
    "ldr r3, [r2], #4\n"             \
    "smlad r4, " a ", r3, r4\n"      \
    "smlad r5, " b ", r3, r5\n"      \
    "smlad r6, " c ", r3, r6\n"      \
    "smlad r7, " last ", r3, r7\n"
#define STEPS(second, third, fourth)                      \
    STEP("r8", "r9", "r10", "r11")                        \
    second ":\n" STEP("r9", "r10", "r11", "r8")           \
    third ":\n" STEP("r10", "r11", "r8", "r9")            \
    fourth ":\n" STEP("r11", "r8", "r9", "r10")

#define VALUE(a) SUM_TO_BYTE(a, "r9", "r10", "r11", "r3")

FUNCTION("depthwise_window_s8",
    "push {r4-r11, lr}\n"
    "ldmia r2, {r4-r11}\n"
    "sub sp, #36\n"
    "stmia sp, {r4-r11}\n"
    "1:\n"
    "ldrd r2, r3, [sp, #24]\n"
    "ldr r12, [sp, #16]\n"
    "ldr r4, [r3]\n"
    "mov r5, r4\n"
    "mov r6, r4\n"
    "mov r7, r4\n"
    "2:\n"
    "ldrd lr, r3, [r12], #8\n"
    "add lr, r1\n"
    "tbb [pc, r3]\n"
    "3:\n"
    ".byte 0, (11f-3b)/2, (12f-3b)/2, (13f-3b)/2, (14f-3b)/2, (15f-3b)/2, (16f-3b)/2, (17f-3b)/2, (18f-3b)/2, 0\n"
    "11: ldr r11, [lr], #4\n"
    "ldmia lr!, {r8, r9}\n"
    "b.w 27f\n"
    "12: ldmia lr!, {r10, r11}\n"
    "ldr r8, [lr], #4\n"
    "b.w 26f\n"
    "13: ldmia lr!, {r9-r11}\n"
    "b.w 25f\n"
    "14: ldmia lr!, {r8-r10}\n"
    "b.w 24f\n"
    "15: ldr r11, [lr], #4\n"
    "ldmia lr!, {r8, r9}\n"
    "b.w 23f\n"
    "16: ldmia lr!, {r10, r11}\n"
    "ldr r8, [lr], #4\n"
    "b.w 22f\n"
    "17: ldmia lr!, {r9-r11}\n"
    "b.w 21f\n"
    "18: ldmia lr!, {r8-r10}\n"
    STEPS("21", "22", "23")
    "24:\n"
    STEPS("25", "26", "27")
    "ldr r3, [sp, #20]\n"
    "cmp r12, r3\n"
    "bne.w 2b\n"
    "ldr r3, [sp, #28]\n"
    "ldmia r3, {r8-r11}\n"
    VALUE("r4") VALUE("r5") VALUE("r6") VALUE("r7")
    "ldmia sp, {r8-r11}\n"
    "strb r7, [r0, r10]\n"          // the last one first: it may be another one again
    "strb r6, [r0, r9]\n"
    "strb r5, [r0, r8]\n"
    "strb r4, [r0]\n"
    "subs r11, #4\n"
    "ble 4f\n"
    "str r11, [sp, #12]\n"
    "cmp r11, #4\n"
    "it gt\n"
    "movgt r11, #4\n"
    "mla r0, r11, r8, r0\n"
    "add r1, r1, r11, lsl #2\n"
    "b.w 1b\n"
    "4:\n"
    "add sp, #36\n"
    "pop {r4-r11, pc}\n");

#undef VALUE
#undef STEPS
#undef STEP
#else
void depthwise_window_s8(int8_t *y, const uint32_t *x, const depthwise_window *p) {
    const packed_scale scale = packed_channel(p->scale);
    for (int32_t j = 0; j < p->columns; j++, x++, y += p->y_step[0]) {
        const uint32_t *w = p->weights;
        int32_t acc = 0;
        for (const int32_t *run = p->runs; run != p->end; run += 2) {
            const uint32_t *seen = x + run[0] / 4;
            for (int32_t t = run[1]; t > 0; t--) acc = multiply_add(acc, *seen++, *w++);
        }
        *y = (int8_t)packed_value(acc, &scale);
    }
}
#endif
