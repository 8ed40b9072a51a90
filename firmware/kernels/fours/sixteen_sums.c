// The inner loop of `conv2d_fours_s8`. On RV32 it is assembly as a whole: sixteen sums leave compilers no register to spare.
#include "sixteen_sums.h"

#if defined(__riscv) && __riscv_xlen == 32 && defined(__riscv_mul) && !defined(__riscv_32e)
#include "assembly.h"
//   a0 sums   a1 v   a2 w   a3 end of v   a4-a7 a tap of the pixels   t0 of a filter   t1, t2 products   s0-s11, t3-t6 the sums

#define FILTER(offset, a, b, c, d)    \
    "lb t0, " offset "(a2)\n"         \
    "mul t1, a4, t0\n"                \
    "mul t2, a5, t0\n"                \
    "add " a ", " a ", t1\n"          \
    "add " b ", " b ", t2\n"          \
    "mul t1, a6, t0\n"                \
    "mul t2, a7, t0\n"                \
    "add " c ", " c ", t1\n"          \
    "add " d ", " d ", t2\n"

#define TAP(k0, k1, k2, k3)           \
    "lb a4, " k0 "(a1)\n"             \
    "lb a5, " k1 "(a1)\n"             \
    "lb a6, " k2 "(a1)\n"             \
    "lb a7, " k3 "(a1)\n"             \
    FILTER(k0, "s0", "s1", "s2", "s3") \
    FILTER(k1, "s4", "s5", "s6", "s7") \
    FILTER(k2, "s8", "s9", "s10", "s11") \
    FILTER(k3, "t3", "t4", "t5", "t6")

#define EACH_SAVED(instruction)                                                                        \
    instruction " s0, 0(sp)\n" instruction " s1, 4(sp)\n" instruction " s2, 8(sp)\n"                   \
    instruction " s3, 12(sp)\n" instruction " s4, 16(sp)\n" instruction " s5, 20(sp)\n"                \
    instruction " s6, 24(sp)\n" instruction " s7, 28(sp)\n" instruction " s8, 32(sp)\n"                \
    instruction " s9, 36(sp)\n" instruction " s10, 40(sp)\n" instruction " s11, 44(sp)\n"

#define ZERO(a, b, c, d) "li " a ", 0\n" "li " b ", 0\n" "li " c ", 0\n" "li " d ", 0\n"

#define STORE(k0, k1, k2, k3, a, b, c, d) \
    "sw " a ", " k0 "(a0)\n" "sw " b ", " k1 "(a0)\n" "sw " c ", " k2 "(a0)\n" "sw " d ", " k3 "(a0)\n"

FUNCTION("sixteen_sums",
    "addi sp, sp, -48\n"
    EACH_SAVED("sw")
    ZERO("s0", "s1", "s2", "s3")
    ZERO("s4", "s5", "s6", "s7")
    ZERO("s8", "s9", "s10", "s11")
    ZERO("t3", "t4", "t5", "t6")
    "andi t0, a3, 1\n"
    "slli a3, a3, 2\n"
    "add a3, a3, a1\n"
    "beqz t0, 1f\n"
    "addi a1, a1, -4\n"       // of an odd number the first one alone
    "addi a2, a2, -4\n"
    "j 2f\n"
    "1:\n"
    TAP("0", "1", "2", "3")
    "2:\n"
    TAP("4", "5", "6", "7")
    "addi a1, a1, 8\n"
    "addi a2, a2, 8\n"
    "bne a1, a3, 1b\n"
    STORE("0", "4", "8", "12", "s0", "s1", "s2", "s3")
    STORE("16", "20", "24", "28", "s4", "s5", "s6", "s7")
    STORE("32", "36", "40", "44", "s8", "s9", "s10", "s11")
    STORE("48", "52", "56", "60", "t3", "t4", "t5", "t6")
    EACH_SAVED("lw")
    "addi sp, sp, 48\n"
    "ret\n");

#undef STORE
#undef ZERO
#undef EACH_SAVED
#undef TAP
#undef FILTER
#else
// A tap of all pixels times that of one filter.
#define PRODUCTS(filter, a, b, c, d)           \
    {                                          \
        const int32_t weight = w[filter];      \
        a += x0 * weight;                      \
        b += x1 * weight;                      \
        c += x2 * weight;                      \
        d += x3 * weight;                      \
    }

void sixteen_sums(int32_t *sums, const int8_t *v, const int8_t *w, int32_t taps) {
    int32_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0, k = 0, l = 0, m = 0, n = 0, o = 0, p = 0;
    for (const int8_t *const end = v + PIXELS * taps; v != end; v += PIXELS, w += FILTERS) {
        const int32_t x0 = v[0], x1 = v[1], x2 = v[2], x3 = v[3];
        PRODUCTS(0, a, b, c, d)
        PRODUCTS(1, e, f, g, h)
        PRODUCTS(2, i, j, k, l)
        PRODUCTS(3, m, n, o, p)
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    sums[4] = e, sums[5] = f, sums[6] = g, sums[7] = h;
    sums[8] = i, sums[9] = j, sums[10] = k, sums[11] = l;
    sums[12] = m, sums[13] = n, sums[14] = o, sums[15] = p;
}

#undef PRODUCTS
#endif
