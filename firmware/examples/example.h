// What the examples share: where their text goes, and how numbers and scores are written without printf, which small C
// libraries have without floating point.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What an example needs of the machine that it runs on.
typedef struct {
    void (*print)(const char *text);  // to a person; lines end in "\r\n"
    uint32_t (*clock)(void);          // free-running, wraps at 2^32
    const char *unit;                 // unit = count of the clock * numerator / denominator
    uint32_t numerator, denominator;
} example_io;

// Names the model, its shapes and its engine, and makes the engine ready. Says why not, and is false, when it is not.
bool example_begin(const example_io *io);

void example_print_number(const example_io *io, int32_t number);

// The three best classes of every output, with their names. Probabilities in per cent, anything else with two decimals.
// output (MODEL_OUTPUT_BYTES,): what engine_invoke() gave.
void example_print_scores(const example_io *io, const int8_t *output);

// A picture for the monitor, in characters: brighter ones cover more. Its first channel, and of a large one every n-th
// pixel. input (MODEL_INPUT_BYTES,): what engine_invoke() gets. Nothing where it is no picture.
void example_print_picture(const example_io *io, const int8_t *input);

// A span of the clock, in its unit.
void example_print_time(const example_io *io, uint32_t counts);

// Shows a picture, and what the model says to it in how long; or why it did not run, and is false then. The line goes on.
// input (MODEL_INPUT_BYTES,)
bool example_answer(const example_io *io, const int8_t *input);

#ifdef __cplusplus
}
#endif
