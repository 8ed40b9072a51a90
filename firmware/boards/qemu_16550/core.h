// The part of board.c that differs from core to core.
#pragma once

// Tells what was left to be told before a reset. Called once, when the line works.
void core_report(void);
