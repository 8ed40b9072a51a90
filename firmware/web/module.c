// The compiled engine as a WebAssembly module: what a page calls, in one linear memory, without an operating system.
// Every function answers at once and cannot fail. MODEL_TENSOR_BYTES is what the watcher sees of one inference.
#include <string.h>

#include "engine.h"
#include "golden_vectors.h"
#include "model_settings.h"
#include "self_test.h"

#define EXPORTED(name) __attribute__((export_name(#name), used))

static _Alignas(16) int8_t input[MODEL_INPUT_BYTES];
static int8_t output[MODEL_OUTPUT_BYTES];
static int8_t tensors[MODEL_TENSOR_BYTES];
static size_t seen;
static uint8_t digest[SHA256_BYTES];

static void keep(const void *tensor, size_t size) {
    memcpy(tensors + seen, tensor, size);
    seen += size;
}

// (MODEL_INPUT_BYTES,): written by the page before it calls invoke or look.
EXPORTED(input) int8_t *input_address(void) { return input; }

// (MODEL_OUTPUT_BYTES,)
EXPORTED(output) const int8_t *output_address(void) { return output; }

// (MODEL_TENSOR_BYTES,): the inputs, then what every op computed, in the order of computation; of the last look.
EXPORTED(tensors) const int8_t *tensors_address(void) { return tensors; }

// One inference.
EXPORTED(invoke) void invoke(void) { engine_invoke(input, output, engine_unwatched); }

// One inference that leaves every tensor.
EXPORTED(look) void look(void) {
    seen = 0;
    engine_invoke(input, output, keep);
}

// How many golden vectors there are, and one of them.
EXPORTED(golden_count) int32_t golden_count(void) { return GOLDEN_COUNT; }
EXPORTED(golden_input) const int8_t *golden_input(int32_t i) { return golden_inputs[i]; }
EXPORTED(golden_output) const int8_t *golden_output(int32_t i) { return golden_outputs[i]; }

// (SHA256_BYTES,) of model.tflite, as the export wrote it down.
EXPORTED(model_sha256) const uint8_t *model_sha256_address(void) { return model_sha256; }

// (SHA256_BYTES,) over the constants that it computes with, from memory.
EXPORTED(constants_sha256) const uint8_t *constants_sha256(void) {
    self_test_segments_sha256(digest);
    return digest;
}

// A table of constants, such as the filters of a layer.
EXPORTED(constants) const void *constants(int32_t i) {
    size_t count;
    return engine_segments(&count)[i].data;
}
