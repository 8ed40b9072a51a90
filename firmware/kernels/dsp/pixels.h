// Four pixels side by side, in 16 bits. A quad of four taps t0-t3 takes eight words: (t0, t2) of each pixel, then (t1, t3)
// of each; the doubled weights of two filters for it take four: (t0, t2) of both, then (t1, t3) of both.
#pragma once
#include "dsp.h"
#include "dsp_kernels.h"

// v = four pixels: x (4 of (4 * quads,)) -> v (quads, 2, 4, 2); quads at least 1
void widen_pixels(int16_t *v, const int8_t *const *x, int32_t quads);

// y[k][o] = the output byte of pixel k and channel o in pairs, before the clamp, each channel with its row of channels
// (2 * pairs, 4)
// w (pairs, quads, 2, 2, 2)  x (quads, 2, 4, 2); quads and pairs at least 1
void pixels_output_s16(
    int8_t *const *y, const int16_t *w, const int16_t *x, int32_t quads, int32_t pairs, const int32_t *channels
);

// The same where the output rectifies.
void pixels_rectified_s16(
    int8_t *const *y, const int16_t *w, const int16_t *x, int32_t quads, int32_t pairs, const int32_t *channels
);
