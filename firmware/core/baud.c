#include "baud.h"

#include "board.h"
#include "frame.h"
#include "model_settings.h"

enum { LONGEST_WAIT_BYTES = 2 * (FRAME_HEADER_BYTES + MODEL_INPUT_BYTES + FRAME_CHECK_BYTES) + 64 };

static bool changed;
static uint32_t unheard;  // bytes since the last undamaged frame

bool baud_can_change(void) { return board.baud != 0; }

void baud_change(uint32_t baud) {
    board_set_baud(baud);
    changed = baud != board.baud;
    unheard = 0;
}

void baud_watch(bool whole) {
    unheard = whole ? 0 : unheard + 1;
    if (changed && unheard > LONGEST_WAIT_BYTES) baud_change(board.baud);
}
