// From four channels of pixels to planes of pairs.
#include "assembly.h"
#include "depthwise.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: compilers store the words one by one.
//   r0, r1, r12, lr the planes   r2 a   r3 below   r4 step   r5 columns left   r6-r11 words
//   [sp, #36] step, columns, gap of a, gap of the planes, rows left

// Channels c and c + 1 of two columns, from the words of both.
#define STORE(left, right, first, second) \
    "sxtb16 r9, " left "\n"               \
    "sxtb16 r11, " right "\n"             \
    "strd r9, r11, [" first "], #8\n"     \
    "sxtb16 r9, " left ", ror #8\n"       \
    "sxtb16 r11, " right ", ror #8\n"     \
    "strd r9, r11, [" second "], #8\n"

FUNCTION("depthwise_pairs_s8",
    "push {r4-r11, lr}\n"
    "ldr r4, [sp, #36]\n"
    "add r12, r0, r1, lsl #1\n"
    "add lr, r12, r1\n"
    "add r1, r0\n"
    "4:\n"
    "ldr r5, [sp, #40]\n"
    "subs r5, #2\n"
    "blt 2f\n"
    ".balign 4\n"
    "1:\n"
    "ldr r7, [r2, r3]\n"
    "ldr r6, [r2]\n"
    "add r2, r4\n"
    "ldr r9, [r2, r3]\n"
    "ldr r8, [r2]\n"
    "add r2, r4\n"
    "subs r5, #2\n"
    "pkhbt r10, r6, r7, lsl #16\n"
    "pkhtb r6, r7, r6, asr #16\n"
    "pkhbt r7, r8, r9, lsl #16\n"
    "pkhtb r8, r9, r8, asr #16\n"
    STORE("r10", "r7", "r0", "r1") STORE("r6", "r8", "r12", "lr")
    "bge 1b\n"
    "2:\n"
    "lsls r5, #31\n"
    "beq 3f\n"
    "ldr r7, [r2, r3]\n"
    "ldr r6, [r2]\n"
    "add r2, r4\n"
    "pkhbt r8, r6, r7, lsl #16\n"
    "pkhtb r6, r7, r6, asr #16\n"
    "sxtb16 r7, r8\n"
    "sxtb16 r8, r8, ror #8\n"
    "str r7, [r0], #4\n"
    "str r8, [r1], #4\n"
    "sxtb16 r7, r6\n"
    "sxtb16 r6, r6, ror #8\n"
    "str r7, [r12], #4\n"
    "str r6, [lr], #4\n"
    "3:\n"
    "ldrd r6, r7, [sp, #44]\n"
    "ldr r8, [sp, #52]\n"
    "add r2, r6\n"
    "add r0, r7\n"
    "add r1, r7\n"
    "add r12, r7\n"
    "add lr, r7\n"
    "subs r8, #1\n"
    "str r8, [sp, #52]\n"
    "bne 4b\n"
    "pop {r4-r11, pc}\n");

#undef STORE
#else
void depthwise_pairs_s8(
    uint32_t *plane, int32_t size, const int8_t *a, int32_t below, int32_t step, int32_t columns, int32_t a_gap,
    int32_t gap, int32_t rows
) {
    for (; rows > 0; rows--, a += a_gap, plane += gap / 4) {
        for (int32_t j = 0; j < columns; j++, a += step, plane++) {
            uint32_t *to = plane;
            for (int32_t c = 0; c < 4; c++, to += size / 4) *to = pair(a[c], a[below + c]);
        }
    }
}
#endif
