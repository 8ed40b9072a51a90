// DebugLog(), the hook through which TensorFlow Lite Micro prints. It prints in pieces ("missing: %u", then "\r\n");
// the pieces become lines here, and the lines frames instead of stray bytes between them.
//
// The hook has two shapes: TFLM formatted the text itself as long as it had micro_string.h (until July 2023), since
// then DebugLog() formats. The definitions are weak: with TFLM in an archive they are found first and are the only
// ones; where a build tool links TFLM's own hook as an object file (the Arduino IDE), that one wins instead of ending
// the build, and text then comes as stray bytes, which cost the host a frame that it asks for again.
#include "tensorflow/lite/micro/debug_log.h"

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "tflm_log.h"

extern "C" {
#include "log.h"
}

enum { LINE_BYTES = 160 };  // of a line; the rest is dropped

static char line[LINE_BYTES + 1];
static size_t line_size;
static char cause[LINE_BYTES + 1];

const char *tflm_log_cause() { return cause[0] == '\0' ? "no reason given" : cause; }

void tflm_log_forget() { cause[0] = '\0'; }

static void end_line() {
    if (line_size == 0) return;
    line[line_size] = '\0';
    if (cause[0] == '\0') memcpy(cause, line, line_size + 1);
    log_send(line);
    line_size = 0;
}

static void collect(const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            end_line();
        } else if (*text != '\r' && line_size < LINE_BYTES) {
            line[line_size++] = *text >= ' ' && *text <= '~' ? *text : '?';  // text in a frame has to be UTF-8
        }
    }
}

#if __has_include("tensorflow/lite/micro/micro_string.h")

extern "C" __attribute__((weak)) void DebugLog(const char *text) { collect(text); }

#else

extern "C" __attribute__((weak)) int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments) {
    return vsnprintf(buffer, size, format, arguments);
}

extern "C" __attribute__((weak)) void DebugLog(const char *format, va_list arguments) {
    static char text[2 * LINE_BYTES];  // two lines come as one piece at times
    vsnprintf(text, sizeof text, format, arguments);
    collect(text);
}

#endif
