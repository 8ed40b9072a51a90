// Depthwise windows that are one pixel high: six outputs side by side, three of them at even places and three at odd ones,
// from the same pairs of pixels side by side.
#include "assembly.h"
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: six sums and three words of x in registers, of which each step replaces one.
//   r0 rounds of the loop left   r1 x   r2 weights   r3, r12 weights of even and of odd outputs
//   r4-r6 the sums of even outputs   r7-r9 of odd ones   r10, r11, lr words of x

// A pair of the window for six outputs; `last` is loaded for those on the right.
#define STEP(a, b, last)             \
    "ldr " last ", [r1], #4\n"       \
    "ldrd r3, r12, [r2], #8\n"       \
    "smlad r4, " a ", r3, r4\n"      \
    "smlad r7, " a ", r12, r7\n"     \
    "smlad r5, " b ", r3, r5\n"      \
    "smlad r8, " b ", r12, r8\n"     \
    "smlad r6, " last ", r3, r6\n"   \
    "smlad r9, " last ", r12, r9\n"
#define STEPS(second, third, fourth)       \
    STEP("r10", "r11", "lr")               \
    second ":\n" STEP("r11", "lr", "r10")  \
    third ":\n" STEP("lr", "r10", "r11")   \
    fourth ":\n"

// Where fewer steps than all are gone through: the words that the first of them finds in registers.
#define BEGIN(label, words, step) label ":\n" words "b.w " step "\n"

#define VALUE(a) SUM_TO_BYTE(a, "r10", "r11", "r12", "lr")

// The output in `a`, and the end where it is the last one.
#define STORE_ONE(a)      \
    "strb " a ", [r2]\n"  \
    "subs r3, #1\n"       \
    "beq 4f\n"            \
    "add r2, r0\n"

//   [sp] 2 * bias six times, y of the next output, columns left, bytes to the next output, where the steps begin, how
//   often they are gone through again, weights, by how much x is ahead of the next six outputs, p, y, x of the channel,
//   channels left
FUNCTION("depthwise_row_s8",
    "push {r4-r11, lr}\n"
    "sub sp, #68\n"
    "str r3, [sp, #52]\n"
    "ldr r4, [r3, #4]\n"
    "subs r5, r4, #1\n"
    "movs r6, #9\n"
    "udiv r7, r5, r6\n"
    "mls r5, r6, r7, r5\n"          // of 9 steps the first 8 - r5 are left out the first time
    "adr r8, 20f\n"
    "ldrb r5, [r8, r5]\n"
    "add r8, r8, r5, lsl #1\n"
    "orr r8, #1\n"
    "strd r8, r7, [sp, #36]\n"
    "lsls r4, #2\n"
    "subs r4, #4\n"
    "str r4, [sp, #48]\n"
    "ldrd r4, r5, [r3, #12]\n"
    "str r4, [sp, #32]\n"
    "str r5, [sp, #64]\n"
    "1:\n"
    "ldr r3, [sp, #52]\n"
    "ldrd r4, r5, [r3, #4]\n"
    "strd r0, r5, [sp, #24]\n"
    "strd r0, r1, [sp, #56]\n"
    "str r2, [sp, #44]\n"
    "ldr r4, [r2, r4, lsl #3]\n"
    "mov r5, r4\n"
    "mov r6, r4\n"
    "mov r7, r4\n"
    "mov r8, r4\n"
    "mov r9, r4\n"
    "stmia sp, {r4-r9}\n"
    "b 3f\n"
    ".balign 4\n"
    "20:\n"
    ".byte (19f-20b)/2, (18f-20b)/2, (17f-20b)/2, (16f-20b)/2, (15f-20b)/2, (14f-20b)/2, (13f-20b)/2, (12f-20b)/2\n"
    ".byte (11f-20b)/2, 0\n"
    BEGIN("12", "ldmia r1!, {r11, lr}\n", "22f")
    BEGIN("13", "ldr lr, [r1], #4\n" "ldr r10, [r1], #4\n", "23f")
    BEGIN("14", "ldmia r1!, {r10, r11}\n", "24f")
    BEGIN("15", "ldmia r1!, {r11, lr}\n", "25f")
    BEGIN("16", "ldr lr, [r1], #4\n" "ldr r10, [r1], #4\n", "26f")
    BEGIN("17", "ldmia r1!, {r10, r11}\n", "27f")
    BEGIN("18", "ldmia r1!, {r11, lr}\n", "28f")
    BEGIN("19", "ldr lr, [r1], #4\n" "ldr r10, [r1], #4\n", "29f")
    ".balign 4\n"
    "3:\n"
    "ldmia sp, {r4-r9}\n"
    "ldrd r3, r0, [sp, #36]\n"
    "ldr r2, [sp, #44]\n"
    "bx r3\n"
    "11: ldmia r1!, {r10, r11}\n"
    "21:\n"
    STEPS("22", "23", "24") STEPS("25", "26", "27") STEPS("28", "29", "30")
    "subs r0, #1\n"
    "bpl.w 21b\n"
    "ldr r0, [sp, #48]\n"
    "subs r1, r0\n"
    "ldmia r2, {r3, r10, r11, r12}\n"
    VALUE("r4") VALUE("r5") VALUE("r6") VALUE("r7") VALUE("r8") VALUE("r9")
    "ldrd r2, r3, [sp, #24]\n"
    "ldr r0, [sp, #32]\n"
    "subs r3, #6\n"
    "blt 2f\n"
    "strb r4, [r2]\n"
    "strb r7, [r2, r0]\n"
    "add r2, r2, r0, lsl #1\n"
    "strb r5, [r2]\n"
    "strb r8, [r2, r0]\n"
    "add r2, r2, r0, lsl #1\n"
    "strb r6, [r2]\n"
    "strb r9, [r2, r0]\n"
    "beq 4f\n"
    "add r2, r2, r0, lsl #1\n"
    "strd r2, r3, [sp, #24]\n"
    "b 3b\n"
    "2:\n"
    "adds r3, #6\n"
    STORE_ONE("r4") STORE_ONE("r7") STORE_ONE("r5") STORE_ONE("r8")
    "strb r6, [r2]\n"
    "4:\n"
    "ldrd r0, r1, [sp, #56]\n"
    "ldr r2, [sp, #44]\n"
    "ldr r3, [sp, #52]\n"
    "ldrd r5, r6, [r3, #20]\n"      // bytes from what a channel becomes to what the next one does, of its numbers
    "ldr r4, [r3]\n"
    "add r0, r5\n"
    "add r1, r4\n"
    "add r2, r6\n"
    "ldr r4, [sp, #64]\n"
    "subs r4, #1\n"
    "str r4, [sp, #64]\n"
    "bne.w 1b\n"
    "add sp, #68\n"
    "pop {r4-r11, pc}\n");

#undef STORE_ONE
#undef VALUE
#undef BEGIN
#undef STEPS
#undef STEP
#else
void depthwise_row_s8(int8_t *y, const uint32_t *x, const int32_t *channels, const depthwise_row *p) {
    for (int32_t c = 0; c < p->channels; c++, y += p->y_each, x += p->size / 4, channels += p->each / 4) {
        const packed_scale scale = packed_channel(channels + 2 * p->pairs);
        int8_t *to = y;
        for (int32_t j = 0; j < p->columns; j++, to += p->y_step) {
            const uint32_t *seen = x + j / 2, *w = (const uint32_t *)channels + j % 2;
            int32_t acc = 0;
            for (int32_t n = p->pairs; n > 0; n--, w += 2) acc = multiply_add(acc, *seen++, *w);
            *to = (int8_t)packed_value(acc, &scale);
        }
    }
}
#endif
