// The loops of columns_s16.c for cores without DSP instructions: the same results from the same tables.
#include "columns.h"

#ifndef DSP_INSTRUCTIONS
// sums (4, 2): one run, modulo 2^32    x (quads, 2, 2, 2)  w (quads, 2, 4, 2)
#ifdef THUMB_1
#define run_s16 columns_run_s16
#else
static void run_s16(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads) {
    modular a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (const int16_t *const end = x + 8 * quads; x != end; w += 8) {
        const int32_t left = x[0], right = x[2], left_2 = x[1], right_2 = x[3];
        x += 4;
        a += (modular)(left * w[0]);
        b += (modular)(right * w[0]);
        c += (modular)(left * w[2]);
        d += (modular)(right * w[2]);
        e += (modular)(left * w[4]);
        f += (modular)(right * w[4]);
        g += (modular)(left * w[6]);
        h += (modular)(right * w[6]);
        a += (modular)(left_2 * w[1]);
        b += (modular)(right_2 * w[1]);
        c += (modular)(left_2 * w[3]);
        d += (modular)(right_2 * w[3]);
        e += (modular)(left_2 * w[5]);
        f += (modular)(right_2 * w[5]);
        g += (modular)(left_2 * w[7]);
        h += (modular)(right_2 * w[7]);
    }
    sums[0] = (int32_t)a;
    sums[1] = (int32_t)b;
    sums[2] = (int32_t)c;
    sums[3] = (int32_t)d;
    sums[4] = (int32_t)e;
    sums[5] = (int32_t)f;
    sums[6] = (int32_t)g;
    sums[7] = (int32_t)h;
}
#endif

// The same, doubled    w (quads, 2, 2, 2)
static void run_bytes(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads) {
    for (int32_t k = 0; k < 2; k++, sums += 4, w += 2) {
        modular a = 0, b = 0, both_a = 0, both_b = 0;
        const int16_t *v = x, *u = w;
        for (int32_t p = 0; p < 2 * quads; p++, v += 4, u += 4) {
            const int32_t even = (int8_t)(u[0] & 0xff), odd = (int8_t)(u[1] & 0xff);
            a += (modular)(v[0] * even + v[1] * odd);
            b += (modular)(v[2] * even + v[3] * odd);
            both_a += (modular)(v[0] * u[0] + v[1] * u[1]);
            both_b += (modular)(v[2] * u[0] + v[3] * u[1]);
        }
        sums[0] = (int32_t)(2 * a);
        sums[1] = (int32_t)(2 * b);
        sums[2] = (int32_t)(both_a - a) >> 7;
        sums[3] = (int32_t)(both_b - b) >> 7;
    }
}

// The same, doubled, of weights of a byte    w (quads, 4, 4)
static void run_s8(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads) {
    const int8_t *filter = (const int8_t *)w;
    for (int32_t k = 0; k < 4; k++, sums += 2, filter += 4) {
        modular a = 0, b = 0;
        const int16_t *v = x;
        const int8_t *u = filter;
        for (int32_t q = 0; q < quads; q++, v += 8, u += 16) {
            a += (modular)(v[0] * u[0] + v[1] * u[2] + v[4] * u[1] + v[5] * u[3]);
            b += (modular)(v[2] * u[0] + v[3] * u[2] + v[6] * u[1] + v[7] * u[3]);
        }
        sums[0] = (int32_t)(2 * a);
        sums[1] = (int32_t)(2 * b);
    }
}

void columns_dot_s16(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads, int32_t runs, int32_t rewind) {
    for (; runs > 0; runs--, sums += 8, w += 16 * quads) {
        run_s16(sums, x, w, quads);
        x += 8 * quads - rewind / 2;
    }
}

typedef void run(int32_t *sums, const int16_t *x, const int16_t *w, int32_t quads);

// step: of w from one quad to the next. Channels that are there again have their bytes.
static inline void output(
    int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,
    const int32_t *channels, int32_t again, run *one, int32_t step
) {
    for (int32_t left = 4 * groups + 4 * (again > 0) - again; left > 0; w += step * quads) {
        int32_t sums[8];
        one(sums, x, w, quads);
        const int32_t *sum = sums;
        if (left < 4) sum += 2 * again;
        for (int32_t o = left < 4 ? again : 0; o < 4; o++, left--, sum += 2, channels += 4) {
            const packed_scale scale = packed_channel(channels);
            *y++ = (int8_t)packed_value(sum[0], &scale);
            *y_right++ = (int8_t)packed_value(sum[1], &scale);
        }
    }
}

// The functions of columns.h for one kind of weights; step as above. A layer that rectifies is one like any other.
#define COLUMNS(kind, step)                                                                                      \
    void columns_output_##kind(                                                                                  \
        int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,           \
        const int32_t *channels, int32_t again                                                                   \
    ) {                                                                                                          \
        output(y, y_right, x, w, quads, groups, channels, again, run_##kind, step);                              \
    }                                                                                                            \
    void columns_rectified_##kind(                                                                               \
        int8_t *y, int8_t *y_right, const int16_t *x, const int16_t *w, int32_t quads, int32_t groups,           \
        const int32_t *channels, int32_t again                                                                   \
    ) {                                                                                                          \
        columns_output_##kind(y, y_right, x, w, quads, groups, channels, again);                                 \
    }

COLUMNS(s16, 16)
COLUMNS(bytes, 8)
COLUMNS(s8, 8)

#undef COLUMNS

int16_t *columns_widen_s8(
    int16_t *v, const int8_t *x, int32_t right, int32_t below, int32_t rows, int32_t words, int32_t gap
) {
    for (; rows > 0 && words > 0; rows--, x += below, v += gap / 2) {
        for (int32_t t = 0; t < 4 * words; t++) {
            int16_t *const to = v + t % 2 * 4 + t / 2 % 2;
            to[0] = x[t];
            to[2] = x[t + right];
            if (t % 4 == 3) v += 8;
        }
    }
    return v;
}
#endif
