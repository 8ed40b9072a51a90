#include "hello_model.h"

#include <stddef.h>

#include "engine.h"
#include "golden_vectors.h"
#include "model_settings.h"

static int32_t differing(const int8_t *output, const int8_t *golden) {
    int32_t count = 0;
    for (int i = 0; i < MODEL_OUTPUT_BYTES; i++) count += output[i] != golden[i];
    return count;
}

void hello_model(const example_io *io) {
    static int8_t output[MODEL_OUTPUT_BYTES];
    const int32_t vectors = GOLDEN_COUNT;
    int32_t different = 0;
    uint32_t shortest = UINT32_MAX;
    if (!example_begin(io)) return;
    for (int32_t i = 0; i < vectors; i++) {
        const uint32_t start = io->clock();
        const char *failure = engine_invoke(golden_inputs[i], output, engine_unwatched);
        const uint32_t counts = io->clock() - start;
        if (counts < shortest) shortest = counts;
        different += failure == NULL ? differing(output, golden_outputs[i]) : MODEL_OUTPUT_BYTES;
        io->print("Golden vector ");
        example_print_number(io, i + 1);
        io->print(": ");
        if (failure == NULL) {
            example_print_scores(io, output);
        } else {
            io->print(failure);
        }
        io->print("\r\n");
    }
    if (vectors == 0) {
        io->print("The export has no golden vectors: TensorFlow Lite Micro was not there.\r\n");
        return;
    }
    example_print_number(io, different);
    io->print(" of ");
    example_print_number(io, vectors * MODEL_OUTPUT_BYTES);
    io->print(" bytes differ from TensorFlow Lite Micro.\r\nOne inference takes ");
    example_print_time(io, shortest);
    io->print(".\r\n");
}
