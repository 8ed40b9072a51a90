// The loops of conv2d_one_channel_s8: two or four outputs of one filter after the other, of pixels that stay in registers.
#include "assembly.h"
#include "one_channel.h"

#ifdef DSP_INSTRUCTIONS
// Assembly as a whole: it needs every register.
//   r3-r10 the pixels: rows 0 to 3, even and odd   r0, r1, r11, r12 the sums   lr weights   r2 channel

// The same weights for all four outputs.
#define ALL(a, b, c, d, w0, w1, w2, w3)                                                   \
    ACCUMULATE(a, "r0", w0, "lr") ACCUMULATE(b, "r1", w1, "lr")                           \
    ACCUMULATE(c, "r11", w2, "lr") ACCUMULATE(d, "r12", w3, "lr")
#define OUTER(w0, w1, w2, w3) ALL("smlad", "smlad", "smlad", "smlad", w0, w1, w2, w3)

// The four sums with their bias. The left and right columns of the window meet two pixels at a time, the middle one
// meets one: of the left outputs the lower odd one, of the right outputs the upper even one.
#define FOUR_SUMS                                                                         \
    "ldrd lr, r12, [r2], #8\n"                                                            \
    "smlad r0, r3, lr, r12\n"                                                             \
    "smlad r1, r4, lr, r12\n"                                                             \
    "smlad r11, r5, lr, r12\n"                                                            \
    "smlad r12, r6, lr, r12\n"                                                            \
    "ldr lr, [r2], #4\n" OUTER("r5", "r6", "r7", "r8")                                    \
    "ldr lr, [r2], #4\n" OUTER("r7", "r8", "r9", "r10")                                   \
    "ldr lr, [r2], #4\n"                                                                  \
    ALL("smlabb", "smlatb", "smlabb", "smlatb", "r4", "r3", "r6", "r5")                   \
    ALL("smlabt", "smlatt", "smlabt", "smlatt", "r6", "r5", "r8", "r7")                   \
    "ldr lr, [r2], #4\n"                                                                  \
    ALL("smlabt", "smlatt", "smlabt", "smlatt", "r8", "r7", "r10", "r9")

#define LARGER(a, b) "cmp " a ", " b "\n" "it lt\n" "movlt " a ", " b "\n"

// As one_channel.h declares it.   [sp] y, end
FUNCTION("one_channel_pooled_s8",
    "push {r4-r11, lr}\n"
    "push {r0, r3}\n"
    "ldmia r1, {r3-r10}\n"
    ".balign 4\n"
    "1:\n"
    FOUR_SUMS
    LARGER("r0", "r1") LARGER("r11", "r12") LARGER("r0", "r11")
    "ldrd r1, r12, [r2], #8\n"
    SUM_TO_BYTE("r0", "r1", "r12", "lr", "r11")
    "ldrd r1, r12, [sp]\n"
    "strb r0, [r1], #1\n"
    "str r1, [sp]\n"
    "cmp r12, r2\n"
    "bne 1b\n"
    "pop {r0, r3}\n"
    "pop {r4-r11, pc}\n");

// As one_channel.h declares it.   [sp] y, the lower y, end, right, the pixels of two rows
FUNCTION("one_channel_four_s8",
    "push {r4-r11, lr}\n"
    "ldrd r4, r5, [sp, #36]\n"
    "sub sp, #28\n"
    "add r5, r0\n"
    "strd r0, r5, [sp]\n"
    "strd r3, r4, [sp, #8]\n"
    "ldmia r1, {r3-r10}\n"
    "strd r3, r4, [sp, #16]\n"
    "str r5, [sp, #24]\n"
    ".balign 4\n"
    "1:\n"
    FOUR_SUMS
    "ldrd r3, r4, [r2], #8\n"
    SUM_TO_BYTE("r0", "r3", "r4", "lr", "r5") SUM_TO_BYTE("r1", "r3", "r4", "lr", "r5")
    SUM_TO_BYTE("r11", "r3", "r4", "lr", "r5") SUM_TO_BYTE("r12", "r3", "r4", "lr", "r5")
    "ldmia sp, {r3, r4, r5, lr}\n"
    "strb r12, [r4, lr]\n"
    "strb r11, [r4], #1\n"
    "strb r1, [r3, lr]\n"
    "strb r0, [r3], #1\n"
    "strd r3, r4, [sp]\n"
    "cmp r2, r5\n"
    "add r3, sp, #16\n"
    "ldmia r3, {r3-r5}\n"
    "bne 1b\n"
    "add sp, #28\n"
    "pop {r4-r11, pc}\n");

// As one_channel.h declares it.   r3-r11 the windows   r0, r1 the sums   r12, lr weights   r2 channel
//   [sp] y, right, end, the windows' first words
FUNCTION("one_channel_two_s8",
    "push {r4-r11, lr}\n"
    "ldr r12, [sp, #36]\n"
    "sub sp, #20\n"
    "strd r0, r12, [sp]\n"
    "str r3, [sp, #8]\n"
    "ldmia r1, {r3-r11}\n"
    "strd r3, r4, [sp, #12]\n"
    ".balign 4\n"
    "1:\n"
    "ldrd r12, lr, [r2], #8\n"
    "smlad r0, r3, r12, lr\n"
    "smlad r1, r4, r12, lr\n"
    "ldrd r12, lr, [r2], #8\n"
    ACCUMULATE("smlad", "r0", "r6", "r12") ACCUMULATE("smlad", "r1", "r7", "r12")
    ACCUMULATE("smlad", "r0", "r9", "lr") ACCUMULATE("smlad", "r1", "r10", "lr")
    "ldrd r12, lr, [r2], #8\n"
    ACCUMULATE("smlabb", "r0", "r5", "r12") ACCUMULATE("smlatb", "r1", "r5", "r12")
    ACCUMULATE("smlabt", "r0", "r8", "r12") ACCUMULATE("smlatt", "r1", "r8", "r12")
    ACCUMULATE("smlabt", "r0", "r11", "lr") ACCUMULATE("smlatt", "r1", "r11", "lr")
    "ldrd r12, r3, [r2], #8\n"
    SUM_TO_BYTE("r0", "r12", "r3", "lr", "r4") SUM_TO_BYTE("r1", "r12", "r3", "lr", "r4")
    "ldmia sp, {r3, r4, r12}\n"
    "strb r1, [r3, r4]\n"
    "strb r0, [r3], #1\n"
    "str r3, [sp]\n"
    "cmp r2, r12\n"
    "ldrd r3, r4, [sp, #12]\n"
    "bne 1b\n"
    "add sp, #20\n"
    "pop {r4-r11, pc}\n");

#undef LARGER
#undef FOUR_SUMS
#undef OUTER
#undef ALL
#else
// The weights of a filter, and its way from a doubled sum to a byte.
typedef struct {
    int32_t w[3][3];
    packed_scale scale;
} filter;

INLINED filter filter_of(const int32_t *channel) {
    filter f;
    for (int32_t a = 0; a < 3; a++) {
        const uint32_t outer = (uint32_t)channel[a == 0 ? 0 : a + 1];
        f.w[a][0] = low_half(outer), f.w[a][2] = high_half(outer);
    }
    f.w[0][1] = low_half((uint32_t)channel[4]), f.w[1][1] = high_half((uint32_t)channel[4]);
    f.w[2][1] = high_half((uint32_t)channel[5]);
    f.scale = (packed_scale){channel[1], channel[6], channel[7], low_half((uint32_t)channel[5])};
    return f;
}

// What a row of the window adds to a sum.
INLINED int32_t add_taps(int32_t acc, int32_t a, int32_t b, int32_t c, const int32_t *w) {
    return acc + a * w[0] + b * w[1] + c * w[2];
}

typedef struct {
    int32_t x[4][4];
} pixels;

// By itself, so that the compiler keeps in registers what fits: bytes that are stored could otherwise change it.
INLINED pixels pixels_of(const four_windows *windows) {
    pixels p;
    for (int32_t a = 0; a < 4; a++) {
        const uint32_t even = windows->rows[a][0], odd = windows->rows[a][1];
        p.x[a][0] = low_half(even), p.x[a][1] = low_half(odd), p.x[a][2] = high_half(even), p.x[a][3] = high_half(odd);
    }
    return p;
}

// The sum of the output whose window begins there; constants, so that nothing is left of the indexes.
INLINED int32_t sum_at(const pixels *p, int32_t i, int32_t j, const filter *f) {
    const int32_t upper = add_taps(0, p->x[i][j], p->x[i][j + 1], p->x[i][j + 2], f->w[0]);
    const int32_t both = add_taps(upper, p->x[i + 1][j], p->x[i + 1][j + 1], p->x[i + 1][j + 2], f->w[1]);
    return add_taps(both, p->x[i + 2][j], p->x[i + 2][j + 1], p->x[i + 2][j + 2], f->w[2]);
}

void one_channel_pooled_s8(int8_t *y, const four_windows *x, const int32_t *channels, const int32_t *end) {
    const pixels p = pixels_of(x);
    for (; channels != end; channels += ONE_CHANNEL_WORDS) {
        const filter f = filter_of(channels);
        const int32_t upper = larger_of_two(sum_at(&p, 0, 0, &f), sum_at(&p, 0, 1, &f));
        const int32_t largest = larger_of_two(larger_of_two(upper, sum_at(&p, 1, 0, &f)), sum_at(&p, 1, 1, &f));
        *y++ = (int8_t)packed_value(largest, &f.scale);
    }
}

void one_channel_four_s8(
    int8_t *y, const four_windows *x, const int32_t *channels, const int32_t *end, int32_t right, int32_t below
) {
    const pixels p = pixels_of(x);
    for (; channels != end; channels += ONE_CHANNEL_WORDS, y++) {
        const filter f = filter_of(channels);
        y[below + right] = (int8_t)packed_value(sum_at(&p, 1, 1, &f), &f.scale);
        y[below] = (int8_t)packed_value(sum_at(&p, 1, 0, &f), &f.scale);
        y[right] = (int8_t)packed_value(sum_at(&p, 0, 1, &f), &f.scale);
        y[0] = (int8_t)packed_value(sum_at(&p, 0, 0, &f), &f.scale);
    }
}

// The left window in columns 0 to 2, the right one in 3 to 5.
typedef struct {
    int32_t x[3][6];
} both_windows;

INLINED both_windows windows_of(const two_windows *windows) {
    both_windows p;
    for (int32_t a = 0; a < 3; a++) {
        const uint32_t left = windows->rows[a][0], right = windows->rows[a][1], middle = windows->rows[a][2];
        p.x[a][0] = low_half(left), p.x[a][1] = low_half(middle), p.x[a][2] = high_half(left);
        p.x[a][3] = low_half(right), p.x[a][4] = high_half(middle), p.x[a][5] = high_half(right);
    }
    return p;
}

void one_channel_two_s8(int8_t *y, const two_windows *x, const int32_t *channels, const int32_t *end, int32_t right) {
    const both_windows p = windows_of(x);
    for (; channels != end; channels += ONE_CHANNEL_WORDS, y++) {
        const filter f = filter_of(channels);
        int32_t a = 0, b = 0;
        for (int32_t i = 0; i < 3; i++) {
            a = add_taps(a, p.x[i][0], p.x[i][1], p.x[i][2], f.w[i]);
            b = add_taps(b, p.x[i][3], p.x[i][4], p.x[i][5], f.w[i]);
        }
        y[right] = (int8_t)packed_value(b, &f.scale);
        y[0] = (int8_t)packed_value(a, &f.scale);
    }
}
#endif
