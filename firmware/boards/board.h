// All that the application knows about the hardware. One folder a board implements it and provides main(), which calls
// app_init() once and app_poll() for ever.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;               // as in the table of boards
    const char *counter_unit;       // what board_counter() counts, once multiplied: instructions, cycles, nanoseconds
    uint16_t counter_numerator;     // unit = ticks * numerator / denominator
    uint16_t counter_denominator;
    uint32_t clock_hz;              // CPU clock; 0 where it means nothing
    uint32_t receive_buffer_bytes;  // bytes kept for board_read() while the application computes
    uint32_t baud;                  // speed of the line after a reset; 0 where it has none, as on USB
    uint8_t *stack;                 // (stack_bytes,) lowest address first; NULL where the board cannot say
    uint32_t stack_bytes;
} board_info;

extern const board_info board;

// Called once, before anything else. Does not wait for a host.
void board_init(void);

// Up to `capacity` received bytes into `data`; returns how many. Returns 0 at once when there are none, or sleeps until
// there is something to read: the application has nothing else to do.
size_t board_read(uint8_t *data, size_t capacity);

// Sends all `size` bytes; blocks until they are on their way. A UART takes them at its speed. Where a host can hold them up
// by not reading, ends at the latest when it closes the port; may drop them then, or before: the host asks again.
void board_write(const uint8_t *data, size_t size);

// Changes the speed of the line, once what was written has left. Called only where `board.baud` is not 0; a speed that the
// board cannot do leaves the line unusable, and the application comes back with `board.baud`.
void board_set_baud(uint32_t baud);

// Free-running counter, wraps at 2^32.
uint32_t board_counter(void);

// What a person sees without a host: the engine or the self-test failed, all is well, or the model runs.
typedef enum { BOARD_FAILED, BOARD_READY, BOARD_BUSY } board_state;

// Shows the state on a LED, where there is one. Returns at once.
void board_status(board_state state);
