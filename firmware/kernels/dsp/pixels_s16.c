// The inner loop of the pointwise convolution: four pixels times two filters, so that each weight, which comes from the
// flash, serves four pixels; sixteen multiplications a half quad. The same in plain C below.
#include "pixels.h"

#ifdef DSP_INSTRUCTIONS
#include "sums.h"
// Assembly as a whole, as in columns_s16.c.
//   r1 w   r2 x   r4, r6, r8, r10 the sums of the first filter, r5, r7, r9, r11 of the second
//   [sp] where a pair enters the loop, end of x, x, w, end of the first pixel's bytes, channels, the four y

#define FROM_BIAS                    \
    "ldr r3, [sp, #20]\n"            \
    "ldr r4, [r3]\n"                 \
    "ldr r5, [r3, #16]\n"            \
    "mov r6, r4\n"                   \
    "mov r7, r5\n"                   \
    "mov r8, r4\n"                   \
    "mov r9, r5\n"                   \
    "mov r10, r4\n"                  \
    "mov r11, r5\n"

#define CHANNEL(a, b, c, d, TO_BYTE)                                                \
    "ldmia r1!, {r0, r3, r12, lr}\n"                                                \
    TO_BYTE(a, "r3", "r12", "lr", "r0") TO_BYTE(b, "r3", "r12", "lr", "r0")         \
    TO_BYTE(c, "r3", "r12", "lr", "r0") TO_BYTE(d, "r3", "r12", "lr", "r0")

#define PIXELS(name, TO_BYTE)                                       \
    FUNCTION(name,                                                  \
        "push {r4-r11, lr}\n"                                       \
        "ldrd r4, r5, [sp, #36]\n"    /* pairs, channels */         \
        "sub sp, #44\n"                                             \
        "ldmia r0, {r6-r9}\n"                                       \
        "add r10, sp, #24\n"                                        \
        "stmia r10, {r6-r9}\n"                                      \
        "add r4, r6, r4, lsl #1\n"                                  \
        "strd r4, r5, [sp, #16]\n"                                  \
        "strd r2, r1, [sp, #8]\n"                                   \
        "add r0, r2, r3, lsl #5\n"    /* the end of x */            \
        "str r0, [sp, #4]\n"                                        \
        ENTER("r3", "88")                                           \
        "1:\n"                                                      \
        SUMS(FROM_BIAS, HALF_S16 HALF_S16)                          \
        "str r1, [sp, #12]\n"                                       \
        "ldr r1, [sp, #20]\n"                                       \
        CHANNEL("r4", "r6", "r8", "r10", TO_BYTE)                   \
        CHANNEL("r5", "r7", "r9", "r11", TO_BYTE)                   \
        "str r1, [sp, #20]\n"                                       \
        "add r1, sp, #24\n"                                         \
        "ldmia r1, {r0, r3, r12, lr}\n"                             \
        "strb r4, [r0], #1\n"                                       \
        "strb r5, [r0], #1\n"                                       \
        "strb r6, [r3], #1\n"                                       \
        "strb r7, [r3], #1\n"                                       \
        "strb r8, [r12], #1\n"                                      \
        "strb r9, [r12], #1\n"                                      \
        "strb r10, [lr], #1\n"                                      \
        "strb r11, [lr], #1\n"                                      \
        "stmia r1, {r0, r3, r12, lr}\n"                             \
        "ldr r3, [sp, #16]\n"                                       \
        "ldrd r2, r1, [sp, #8]\n"                                   \
        "cmp r0, r3\n"                                              \
        "bne 1b\n"                                                  \
        "add sp, #44\n"                                             \
        "pop {r4-r11, pc}\n")

PIXELS("pixels_output_s16", SUM_TO_BYTE);
PIXELS("pixels_rectified_s16", RECTIFIED_TO_BYTE);

FUNCTION("widen_pixels",
    "push {r4-r11, lr}\n"
    "mov lr, r2\n"
    "ldmia r1, {r1, r2, r3, r12}\n"
    "1:\n"
    "ldr r4, [r1], #4\n"
    "ldr r5, [r2], #4\n"
    "ldr r6, [r3], #4\n"
    "ldr r7, [r12], #4\n"
    "subs lr, #1\n"
    "sxtb16 r8, r4\n"
    "sxtb16 r9, r5\n"
    "sxtb16 r10, r6\n"
    "sxtb16 r11, r7\n"
    "stmia r0!, {r8-r11}\n"
    "sxtb16 r4, r4, ror #8\n"
    "sxtb16 r5, r5, ror #8\n"
    "sxtb16 r6, r6, ror #8\n"
    "sxtb16 r7, r7, ror #8\n"
    "stmia r0!, {r4-r7}\n"
    "bne 1b\n"
    "pop {r4-r11, pc}\n");

#undef PIXELS
#undef CHANNEL
#undef FROM_BIAS
#else
#include "packed.h"

void widen_pixels(int16_t *v, const int8_t *const *x, int32_t quads) {
    for (int32_t q = 0; q < quads; q++, v += 16) {
        for (int32_t k = 0; k < 4; k++) {
            const uint32_t word = load_word(x[k] + 4 * q);
            store_pair(v + 2 * k, even_bytes(word));
            store_pair(v + 8 + 2 * k, odd_bytes(word));
        }
    }
}

// sums (2, 4): of both filters for each pixel, modulo 2^32
static void two_filters(modular *sums, const int16_t *w, const int16_t *x, int32_t quads) {
    modular a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (const int16_t *const end = x + 16 * quads; x != end; x += 8, w += 4) {
        const int32_t first = w[0], first_2 = w[1], second = w[2], second_2 = w[3];
        a += (modular)(first * x[0]) + (modular)(first_2 * x[1]);
        b += (modular)(first * x[2]) + (modular)(first_2 * x[3]);
        c += (modular)(first * x[4]) + (modular)(first_2 * x[5]);
        d += (modular)(first * x[6]) + (modular)(first_2 * x[7]);
        e += (modular)(second * x[0]) + (modular)(second_2 * x[1]);
        f += (modular)(second * x[2]) + (modular)(second_2 * x[3]);
        g += (modular)(second * x[4]) + (modular)(second_2 * x[5]);
        h += (modular)(second * x[6]) + (modular)(second_2 * x[7]);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
    sums[4] = e;
    sums[5] = f;
    sums[6] = g;
    sums[7] = h;
}

void pixels_output_s16(
    int8_t *const *y, const int16_t *w, const int16_t *x, int32_t quads, int32_t pairs, const int32_t *channels
) {
    for (int32_t o = 0; o < 2 * pairs; o += 2, w += 8 * quads, channels += 8) {
        const packed_scale first = packed_channel(channels), second = packed_channel(channels + 4);
        modular sums[8];
        two_filters(sums, w, x, quads);
        for (int32_t k = 0; k < 4; k++) {
            y[k][o] = (int8_t)packed_value((int32_t)sums[k], &first);
            y[k][o + 1] = (int8_t)packed_value((int32_t)sums[4 + k], &second);
        }
    }
}

void pixels_rectified_s16(
    int8_t *const *y, const int16_t *w, const int16_t *x, int32_t quads, int32_t pairs, const int32_t *channels
) {
    pixels_output_s16(y, w, x, quads, pairs, channels);
}
#endif
