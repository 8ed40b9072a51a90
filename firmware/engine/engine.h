// The one interface between the application (core/) and whatever computes the model.
// Implemented by engine/compiled (the model as C) and engine/tflm (TensorFlow Lite Micro); exactly one is linked in.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A piece of the model as it lies in flash; hashed in order, they prove which constants the device computes with.
typedef struct {
    const void *data;
    size_t size;
} engine_segment;

// Name of the engine, at most 31 characters.
const char *engine_name(void);

// Makes the model ready. NULL when it is, else one sentence that says why not and what to do; it stays valid.
const char *engine_init(void);

// Called with the model's inputs where the first op finds them, and then with every tensor that an op computes, in the
// order of computation, before a later op overwrites it. (size,) bytes at `tensor`. For looking at or timing what
// happens inside; it must not write there. Never NULL: engine_unwatched for none.
typedef void (*engine_watcher)(const void *tensor, size_t size);

// The watcher for when nobody does.
static inline void engine_unwatched(const void *tensor, size_t size) {
    (void)tensor;
    (void)size;
}

// input (MODEL_INPUT_BYTES,) and output (MODEL_OUTPUT_BYTES,): the int8 tensors of the model one after the other, in
// the model's order. input is 4-byte aligned and is left unchanged. Only after engine_init() returned NULL. NULL, or one
// sentence when there is no output; it stays valid.
const char *engine_invoke(const int8_t *input, int8_t *output, engine_watcher watch);

// The model's constants in flash, `*count` of them.
const engine_segment *engine_segments(size_t *count);

// Bytes of working memory (activations and scratch) the engine uses for one inference.
uint32_t engine_arena_bytes(void);
