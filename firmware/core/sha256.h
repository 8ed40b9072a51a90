// SHA-256 (FIPS 180-4).
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

typedef struct {
    uint32_t state[8];
    uint64_t size;  // bytes pushed so far
    uint8_t block[SHA256_BLOCK_BYTES];
} sha256;

void sha256_init(sha256 *hash);
void sha256_push(sha256 *hash, const uint8_t *data, size_t size);
// digest (SHA256_BYTES,). The hash needs sha256_init() before it is used again.
void sha256_finish(sha256 *hash, uint8_t *digest);
