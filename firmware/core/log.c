#include "log.h"

#include "board.h"
#include "frame.h"
#include "protocol.h"

void log_send(const char *text) {
    uint8_t payload[LOG_LINE_LIMIT_BYTES];
    const log_line line = {.text = text};
    frame_send(board_write, MESSAGE_LOG_LINE, 0, payload, log_line_pack(payload, &line), NULL, 0);
}
