// What TensorFlow Lite Micro says in words. Each line goes to the host as a log frame (core/log.h); the first one of a
// failure, which names its cause, is kept for the engine's own sentence.
#pragma once

// The first line since tflm_log_forget(), or words that say that there was none.
const char *tflm_log_cause();

void tflm_log_forget();
