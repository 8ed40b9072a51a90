// From the sums of two columns to bytes.
#include "columns.h"

void columns_finish_s8(
    int8_t *y, int8_t *y_right, const int32_t *sums, int32_t y_c, const packed_output *p
) {
    const int32_t *channel = p->channels;
    for (int32_t o = 0; o < y_c; o++, channel += 4, sums += 2) {
        const packed_scale scale = packed_channel(channel);
        const int32_t left = sums[0], right = sums[1];
        y[o] = (int8_t)packed_value(left, &scale);
        y_right[o] = (int8_t)packed_value(right, &scale);
    }
}
