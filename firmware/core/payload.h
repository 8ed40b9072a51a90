// Fields of the protocol's payloads, little-endian; each call writes at `p` and returns the end of what it wrote.
// The generated protocol.h is made of these calls and nothing else.
#pragma once
#include <stdint.h>
#include <string.h>

#include "tensor_spec.h"

static inline uint8_t *put_u8(uint8_t *p, uint8_t value) {
    *p = value;
    return p + 1;
}

static inline uint8_t *put_u16(uint8_t *p, uint16_t value) {
    return put_u8(put_u8(p, (uint8_t)value), (uint8_t)(value >> 8));
}

static inline uint8_t *put_u32(uint8_t *p, uint32_t value) {
    return put_u16(put_u16(p, (uint16_t)value), (uint16_t)(value >> 16));
}

static inline uint8_t *put_i32(uint8_t *p, int32_t value) { return put_u32(p, (uint32_t)value); }

static inline uint8_t *put_f32(uint8_t *p, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_u32(p, bits);
}

static inline uint8_t *put_bytes(uint8_t *p, const uint8_t *data, size_t size) {
    memcpy(p, data, size);
    return p + size;
}

// A length byte and the text without its terminator, cut at `limit` bytes.
static inline uint8_t *put_text(uint8_t *p, const char *text, size_t limit) {
    const size_t length = strlen(text);
    const size_t size = length < limit ? length : limit;
    return put_bytes(put_u8(p, (uint8_t)size), (const uint8_t *)text, size);
}

// A count byte, then rank, dimensions, scale and zero point of each tensor.
static inline uint8_t *put_tensors(uint8_t *p, const tensor_spec *tensors, uint8_t count) {
    p = put_u8(p, count);
    for (const tensor_spec *tensor = tensors; tensor < tensors + count; tensor++) {
        p = put_u8(p, tensor->rank);
        for (int i = 0; i < tensor->rank; i++) p = put_u16(p, tensor->dims[i]);
        p = put_i32(put_f32(p, tensor->scale), tensor->zero_point);
    }
    return p;
}

static inline uint32_t get_u32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
