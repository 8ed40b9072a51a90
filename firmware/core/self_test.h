// What the device finds out about itself at boot, before any host asks.
#pragma once
#include <stdint.h>

#include "sha256.h"

// Runs the golden vectors baked in at export; returns how many gave other bytes than the golden.
uint8_t self_test_failures(void);

// SHA-256 over the model's constants as they lie in flash.
void self_test_segments_sha256(uint8_t digest[SHA256_BYTES]);
