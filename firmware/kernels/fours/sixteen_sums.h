// Four pixels times four filters, a byte for each value.
#pragma once
#include <stdint.h>

typedef int8_t seen_value;
#include "four_pixels.h"
#include "fours_kernels.h"

enum { FILTERS = 4 };

// sums (FILTERS, PIXELS) = v (taps, PIXELS) times w (taps, FILTERS); taps at least 1
void sixteen_sums(int32_t *sums, const int8_t *v, const int8_t *w, int32_t taps);
