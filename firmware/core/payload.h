// Fields of the protocol's payloads, little-endian; each call puts one into the frame that frame_begin() opened.
// The generated protocol.h is made of these calls and nothing else.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "tensor_spec.h"

// The lowest `size` bytes of an integer.
void put_low(uint32_t value, size_t size);

static inline void put_u8(uint8_t value) { put_low(value, 1); }
static inline void put_u16(uint16_t value) { put_low(value, 2); }
static inline void put_u32(uint32_t value) { put_low(value, 4); }

// A length byte and the text without its terminator, cut at `limit` bytes.
void put_text(const char *text, uint8_t limit);

// A count byte, then rank, dimensions, scale and zero point of each tensor.
void put_tensors(const tensor_spec *tensors, uint8_t count);
