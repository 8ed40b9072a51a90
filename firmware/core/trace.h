// Looks into an inference: what every tensor of it was and took, or the bytes of one of them. Nothing is kept: a tensor is
// on its way to the host before a later op overwrites it. Called by the application, for one request at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

// A TRACE_REPLY: begin, the engine with trace_tensor() as its watcher, frame_end().
void trace_begin(uint16_t sequence);
void trace_tensor(const void *tensor, size_t size);

// A FETCH_REPLY: begin, the engine with fetch_tensor() as its watcher, frame_end() if fetch_done() says that there were
// such bytes.
void fetch_begin(uint16_t sequence, const uint8_t *request);  // (sizeof(fetch),)
void fetch_tensor(const void *tensor, size_t size);
bool fetch_done(void);
