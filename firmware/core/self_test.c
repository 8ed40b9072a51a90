#include "self_test.h"

#include <string.h>

#include "engine.h"
#include "golden_vectors.h"
#include "model_settings.h"

uint8_t self_test_failures(void) {
    static int8_t output[MODEL_OUTPUT_BYTES];
    uint8_t failures = 0;
    for (int i = 0; i < GOLDEN_COUNT; i++) {
        const char *failure = engine_invoke(golden_inputs[i], output, engine_unwatched);
        if (failure != NULL || memcmp(output, golden_outputs[i], sizeof output) != 0) failures++;
    }
    return failures;
}

void self_test_segments_sha256(uint8_t digest[SHA256_BYTES]) {
    size_t count;
    const engine_segment *segments = engine_segments(&count);
    sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < count; i++) sha256_push(&hash, segments[i].data, segments[i].size);
    sha256_finish(&hash, digest);
}
