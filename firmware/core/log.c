#include "log.h"

#include "protocol.h"

void log_send(const char *text) {
    const log_line line = {.text = text};
    log_line_send(0, &line);
}
