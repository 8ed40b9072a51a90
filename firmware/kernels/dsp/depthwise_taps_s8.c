// Depthwise windows of any shape without planes: four channels at a time, as they lie in x, two taps in a multiplication.
#include "assembly.h"
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: it needs every register.
//   r0 x   r1 offsets   r2 table   r3 spare   r4-r7 the sums   r8-r11 weights   r12, lr words of x

// Two taps of four channels: 56 bytes.
#define PAIR                            \
    "ldrd r12, lr, [r1], #8\n"          \
    "ldr r12, [r0, r12]\n"              \
    "ldr lr, [r0, lr]\n"                \
    "ldmia r2!, {r8-r11}\n"             \
    "pkhbt r3, r12, lr, lsl #16\n"      \
    "pkhtb lr, lr, r12, asr #16\n"      \
    "sxtb16 r12, r3\n"                  \
    "sxtb16 r3, r3, ror #8\n"           \
    "smlad r4, r12, r8, r4\n"           \
    "smlad r5, r3, r9, r5\n"            \
    "sxtb16 r12, lr\n"                  \
    "sxtb16 lr, lr, ror #8\n"           \
    "smlad r6, r12, r10, r6\n"          \
    "smlad r7, lr, r11, r7\n"

#define VALUE(a) "ldmia r2!, {r8-r10}\n" SUM_TO_BYTE(a, "r8", "r9", "r10", "r3")

//   [sp] where a run of pairs enters the loop, end of the offsets, offsets, y, bytes to the next channel of y, x of the
//   last channels, table, bytes from a pixel of x and of y to the next, pixels left, y of the pixel, channels of x less 4
FUNCTION("depthwise_taps_s8",
    "push {r4-r11, lr}\n"
    "sub sp, #48\n"
    "ldmia r3, {r4-r10}\n"          // offsets, pairs, channels, step, x_step, y_step, pixels
    "add r11, r4, r5, lsl #3\n"
    "strd r11, r4, [sp, #4]\n"
    "str r7, [sp, #16]\n"
    "str r2, [sp, #24]\n"
    "strd r8, r9, [sp, #28]\n"
    "subs r6, #4\n"
    "strd r10, r0, [sp, #36]\n"
    "str r6, [sp, #44]\n"
    "rsb r3, r5, #0\n"              // the first round leaves -pairs mod 4 of them out
    "and r3, r3, #3\n"
    "movs r4, #56\n"
    "adr r5, 2f\n"
    "mla r3, r3, r4, r5\n"
    "orr r3, r3, #1\n"
    "str r3, [sp]\n"
    "mov r3, r0\n"
    "mov r0, r1\n"
    "4:\n"                          // r0 x and r3 y of a pixel
    "ldr r4, [sp, #44]\n"
    "add r4, r0\n"
    "str r4, [sp, #20]\n"
    "1:\n"                          // r3 y of four channels
    "str r3, [sp, #12]\n"
    "ldmia r2!, {r4-r7}\n"
    "ldr r1, [sp, #8]\n"
    "ldr pc, [sp]\n"
    ".balign 4\n"
    "2:\n"
    PAIR PAIR PAIR PAIR
    "ldr r3, [sp, #4]\n"
    "cmp r1, r3\n"
    "bne 2b\n"
    VALUE("r4") VALUE("r5") VALUE("r6") VALUE("r7")
    "ldrd r3, r8, [sp, #12]\n"
    "ldr r9, [sp, #20]\n"
    "add r10, r3, r8, lsl #1\n"
    "strb r4, [r3]\n"
    "strb r5, [r3, r8]\n"
    "strb r6, [r10]\n"
    "strb r7, [r10, r8]\n"
    "subs r9, r9, r0\n"
    "beq 3f\n"
    "cmp r9, #4\n"
    "it gt\n"
    "movgt r9, #4\n"
    "add r0, r9\n"
    "mla r3, r9, r8, r3\n"
    "b 1b\n"
    "3:\n"
    "ldrd r4, r3, [sp, #36]\n"
    "ldrd r5, r6, [sp, #28]\n"
    "ldr r7, [sp, #44]\n"
    "subs r4, #1\n"
    "add r3, r6\n"
    "strd r4, r3, [sp, #36]\n"
    "sub r0, r0, r7\n"
    "add r0, r5\n"
    "ldr r2, [sp, #24]\n"
    "bne 4b\n"
    "add sp, #48\n"
    "pop {r4-r11, pc}\n");

#undef VALUE
#undef PAIR
#else
void depthwise_taps_s8(int8_t *y, const int8_t *x, const int32_t *table, const depthwise_taps *p) {
    const int32_t last = p->channels - 4;
    for (int32_t pixel = 0; pixel < p->pixels; pixel++, x += p->x_step, y += p->y_step) {
        const int32_t *next = table;
        for (int32_t c = 0;; c = c + 4 < last ? c + 4 : last) {
            int32_t sums[4] = {next[0], next[1], next[2], next[3]};
            next += 4;
            for (const int32_t *at = p->offsets; at != p->offsets + 2 * p->pairs; at += 2, next += 4) {
                const int8_t *a = (at[0] == INT32_MIN ? p->nothing : x + at[0]) + c;
                const int8_t *b = (at[1] == INT32_MIN ? p->nothing : x + at[1]) + c;
                for (int32_t k = 0; k < 4; k++) sums[k] = multiply_add(sums[k], pair(a[k], b[k]), (uint32_t)next[k]);
            }
            for (int32_t k = 0; k < 4; k++, next += 3) {
                const packed_scale scale = {0, next[0], next[1], next[2]};
                y[(c + k) * p->step] = (int8_t)packed_value(sums[k], &scale);
            }
            if (c == last) break;
        }
    }
}
#endif
