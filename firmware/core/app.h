// The application: answers HELLO and INFER requests on the board's byte stream. Called by the board's main().
#pragma once

// Self-test and everything else that happens once, after a reset.
void app_init(void);

// Answers what has come in; returns soon when nothing has (see board_read). Call for ever.
void app_poll(void);
