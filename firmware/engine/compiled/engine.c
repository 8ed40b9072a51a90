// The compiled engine: the model as constant tables and kernel calls, generated into model.c by `make export`.
// It has nothing to set up and cannot fail; all its memory is the arena that model.c reserves.
#include "engine.h"

#include "model.h"

const char *engine_name(void) { return "compiled"; }

const char *engine_init(void) { return NULL; }

const char *engine_invoke(const int8_t *input, int8_t *output, engine_watcher watch) {
    model_compute(input, output, watch);
    return NULL;
}

const engine_segment *engine_segments(size_t *count) {
    *count = MODEL_SEGMENT_COUNT;
    return model_segments;
}

uint32_t engine_arena_bytes(void) { return MODEL_ARENA_BYTES; }
