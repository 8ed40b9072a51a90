// What one input or output tensor of the model is: real value = scale * (int8 value - zero_point).
#pragma once
#include <stdint.h>

typedef struct {
    uint8_t rank;       // at most 6
    uint16_t dims[6];   // (rank,), the batch of one first; the rest are 0
    float scale;
    int32_t zero_point;
} tensor_spec;
