// dsp.h in Armv7E-M instructions. The loops are assembly because the compiler neither loads several words with one
// instruction here nor keeps four sums, two inputs and four weights in registers at once.
// r7 stays free: it is the frame pointer of builds that keep one.
#pragma once
#include <stddef.h>

INLINED int32_t multiply_high_rounded(int32_t a, int32_t b) {
    int32_t y;
    __asm__("smmulr %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

INLINED int32_t multiply_high_add(int32_t acc, int32_t a, int32_t b) {
    int32_t y;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(acc));
    return y;
}

INLINED int32_t saturate_s8(int32_t value) {
    int32_t y;
    __asm__("ssat %0, #8, %1" : "=r"(y) : "r"(value) : "cc");
    return y;
}

INLINED uint32_t even_bytes(uint32_t word) {
    uint32_t y;
    __asm__("sxtb16 %0, %1" : "=r"(y) : "r"(word));
    return y;
}

INLINED uint32_t odd_bytes(uint32_t word) {
    uint32_t y;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(word));
    return y;
}

INLINED uint32_t add_even_bytes(uint32_t pair, uint32_t word) {
    __asm__("sxtab16 %0, %0, %1" : "+r"(pair) : "r"(word));
    return pair;
}

INLINED uint32_t add_odd_bytes(uint32_t pair, uint32_t word) {
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(pair) : "r"(word));
    return pair;
}

INLINED uint32_t add_pairs(uint32_t a, uint32_t b) {
    uint32_t y;
    __asm__("sadd16 %0, %1, %2" : "=r"(y) : "r"(a), "r"(b) : "cc");
    return y;
}

INLINED uint32_t subtract_pairs(uint32_t a, uint32_t b) {
    uint32_t y;
    __asm__("ssub16 %0, %1, %2" : "=r"(y) : "r"(a), "r"(b) : "cc");
    return y;
}

INLINED uint32_t larger_bytes(uint32_t a, uint32_t b) {
    uint32_t y;
    __asm__("ssub8 %0, %1, %2\n"
            "sel %0, %1, %2"
            : "=&r"(y)
            : "r"(a), "r"(b)
            : "cc");
    return y;
}

INLINED uint32_t low_halves(uint32_t a, uint32_t b) {
    uint32_t y;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

INLINED uint32_t high_halves(uint32_t a, uint32_t b) {
    uint32_t y;
    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

INLINED int32_t multiply_add(int32_t acc, uint32_t x, uint32_t w) {
    int32_t y;
    __asm__("smlad %0, %1, %2, %3" : "=r"(y) : "r"(x), "r"(w), "r"(acc));
    return y;
}

INLINED int32_t multiply_add_low_high(int32_t acc, uint32_t x, uint32_t w) {
    int32_t y;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(y) : "r"(x), "r"(w), "r"(acc));
    return y;
}

INLINED int32_t multiply_add_high_low(int32_t acc, uint32_t x, uint32_t w) {
    int32_t y;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(y) : "r"(x), "r"(w), "r"(acc));
    return y;
}

#define DOT_4_S8_PAIR(first, second) \
    "ldmia.w %[w]!, {r4, r5}\n"        \
    "sxtb16 r6, r4\n"                  \
    "smlad %[" first "], %[x0], r6, %[" first "]\n" \
    "sxtb16 r6, r4, ror #8\n"          \
    "smlad %[" first "], %[x1], r6, %[" first "]\n" \
    "sxtb16 r6, r5\n"                  \
    "smlad %[" second "], %[x0], r6, %[" second "]\n" \
    "sxtb16 r6, r5, ror #8\n"          \
    "smlad %[" second "], %[x1], r6, %[" second "]\n"

#define DOT_4_S8_STEP "ldrd %[x0], %[x1], [%[x]], #8\n" DOT_4_S8_PAIR("a", "b") DOT_4_S8_PAIR("c", "d")

DOT_LINKAGE sums_4 dot_4_s8(const int16_t **x, const int8_t **w, int32_t quads) {
    sums_4 s = {0, 0, 0, 0};
    const int16_t *v = *x;
    const int8_t *u = *w;
    uint32_t x0, x1;
    // Four quads a round; the first one enters the loop with -quads mod 4 of them left out, 76 bytes each.
    __asm__ volatile("rsbs r4, %[n], #0\n"
                     "and r4, r4, #3\n"
                     "movs r5, #76\n"
                     "adr r6, 1f\n"
                     "mla r4, r4, r5, r6\n"
                     "add %[n], %[n], #3\n"
                     "lsr %[n], %[n], #2\n"
                     "orr r4, r4, #1\n"
                     "bx r4\n"
                     ".balign 4\n"
                     "1:\n" DOT_4_S8_STEP DOT_4_S8_STEP DOT_4_S8_STEP DOT_4_S8_STEP
                     "subs %[n], %[n], #1\n"
                     "bne.w 1b\n"
                     : [a] "+r"(s.a), [b] "+r"(s.b), [c] "+r"(s.c), [d] "+r"(s.d), [x] "+r"(v), [w] "+r"(u),
                       [n] "+r"(quads), [x0] "=&r"(x0), [x1] "=&r"(x1)
                     :
                     : "r4", "r5", "r6", "cc", "memory");
    *x = v;
    *w = u;
    return s;
}

#define DOT_1_S8_STEP                        \
    "ldrd %[x0], %[x1], [%[x]], #8\n"        \
    "ldr %[u], [%[w]], #4\n"                 \
    "sxtb16 r4, %[u]\n"                      \
    "smlad %[sum], %[x0], r4, %[sum]\n"      \
    "sxtb16 r4, %[u], ror #8\n"              \
    "smlad %[sum], %[x1], r4, %[sum]\n"

DOT_LINKAGE int32_t dot_1_s8(const int16_t *x, const int8_t *w, int32_t quads) {
    int32_t sum = 0;
    uint32_t x0, x1, u;
    for (const int8_t *const whole = w + (quads & ~3) * 4; w != whole;) {
        __asm__ volatile(DOT_1_S8_STEP DOT_1_S8_STEP DOT_1_S8_STEP DOT_1_S8_STEP
                         : [sum] "+r"(sum), [x] "+r"(x), [w] "+r"(w), [x0] "=&r"(x0), [x1] "=&r"(x1), [u] "=&r"(u)
                         :
                         : "r4", "memory");
    }
    for (quads &= 3; quads > 0; quads--) {
        __asm__ volatile(DOT_1_S8_STEP
                         : [sum] "+r"(sum), [x] "+r"(x), [w] "+r"(w), [x0] "=&r"(x0), [x1] "=&r"(x1), [u] "=&r"(u)
                         :
                         : "r4", "memory");
    }
    return sum;
}

#undef DOT_1_S8_STEP

// The sum of one pixel, in `to`; the pairs of weights are in r4, r5, r6, r8, r9, those of the pixel in r3, r10-r12, lr.
#define NARROW_PIXEL(to)              \
    "ldmia %[x]!, {r3, r10-r12, lr}\n" \
    "smuad " to ", r3, r4\n"           \
    "smlad " to ", r10, r5, " to "\n"  \
    "smlad " to ", r11, r6, " to "\n"  \
    "smlad " to ", r12, r8, " to "\n"  \
    "smlad " to ", lr, r9, " to "\n"

#define NARROW_LARGER       \
    NARROW_PIXEL("r3")      \
    "cmp %[best], r3\n"     \
    "it lt\n"               \
    "movlt %[best], r3\n"

_Static_assert(offsetof(narrow_tile, end) == 80 && offsetof(narrow_tile, y) == 84, "as the loop below reads them");

INLINED void narrow_channels(narrow_tile *tile, const int32_t *channels) {
    int32_t best;
    // Too few registers for `end` and `y`: they lie behind the pixels, and reading `end` moves x back to the start.
    __asm__ volatile("1:\n"
                     "ldmia %[w]!, {r4-r6, r8, r9}\n"
                     NARROW_PIXEL("%[best]") NARROW_LARGER NARROW_LARGER NARROW_LARGER
                     "ldmia %[w]!, {r3, r10-r12}\n"
                     "add %[best], r3\n"
                     "ldrd r3, lr, [%[x]], #-80\n"
                     "smmulr %[best], %[best], r10\n"
                     "add %[best], %[best], %[best], asr #31\n"
                     "add %[best], r11\n"
                     "asr %[best], r12\n"
                     "ssat %[best], #8, %[best]\n"
                     "strb %[best], [lr], #1\n"
                     "str lr, [%[x], #84]\n"
                     "cmp %[w], r3\n"
                     "bne 1b\n"
                     : [best] "=&r"(best), [x] "+r"(tile), [w] "+r"(channels)
                     :
                     : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#undef NARROW_LARGER
#undef NARROW_PIXEL
#undef DOT_4_S8_STEP
#undef DOT_4_S8_PAIR
