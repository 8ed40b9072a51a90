// The compiled engine behind a pipe: inputs on standard input, outputs on standard output, one after the other.
// With the argument `segments` it writes the model's constants instead, with `self-test` it runs the golden vectors.
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "golden_vectors.h"
#include "model_data.h"
#include "model_settings.h"

static int write_segments(void) {
    size_t count;
    const engine_segment *segments = engine_segments(&count);
    for (size_t i = 0; i < count; i++) fwrite(segments[i].data, 1, segments[i].size, stdout);
    return 0;
}

static int self_test(void) {
    int8_t output[MODEL_OUTPUT_BYTES];
    for (int i = 0; i < GOLDEN_COUNT; i++) {
        engine_invoke(golden_inputs[i], output, engine_unwatched);
        if (memcmp(output, golden_outputs[i], sizeof output) != 0) return 1;
    }
    return printf("%d %zu\n", GOLDEN_COUNT, model_data_size) < 0;
}

int main(int argc, char **argv) {
    static int8_t input[MODEL_INPUT_BYTES], kept[MODEL_INPUT_BYTES], output[MODEL_OUTPUT_BYTES];
    if (engine_init() != NULL || strcmp(engine_name(), "compiled") != 0) return 2;
    if (argc > 1) return strcmp(argv[1], "segments") == 0 ? write_segments() : self_test();
    while (fread(input, 1, sizeof input, stdin) == sizeof input) {
        memcpy(kept, input, sizeof input);
        engine_invoke(input, output, engine_unwatched);
        if (memcmp(kept, input, sizeof input) != 0) return 3;
        fwrite(output, 1, sizeof output, stdout);
    }
    return 0;
}
