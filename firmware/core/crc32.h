// CRC-32 (ISO-HDLC, the one of zlib), byte by byte. Start with CRC32_START; the CRC is the complement of the register.
#pragma once
#include <stdint.h>

static const uint32_t CRC32_START = 0xFFFFFFFF;
// The register after any message followed by its own CRC in little-endian order.
static const uint32_t CRC32_RESIDUE = 0xDEBB20E3;

uint32_t crc32_push(uint32_t crc, uint8_t byte);
