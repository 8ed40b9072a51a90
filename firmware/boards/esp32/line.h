// The line between the host and the application. Exactly one of line_uart.c and line_usb.c is in a firmware, and makes `board`.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <freertos/FreeRTOS.h>
#include <sdkconfig.h>

#include "board.h"

enum { TASK_STACK_BYTES = 16 * 1024 };
extern StackType_t task_stack[TASK_STACK_BYTES];

// `board` of a line that keeps that many received bytes while the model runs, and has that speed after a reset.
#define BOARD_ON_LINE(board_name, kept_bytes, speed)                 \
    {                                                                \
        .name = (board_name),                                        \
        .counter_unit = "cycles",                                    \
        .counter_numerator = 1,                                      \
        .counter_denominator = 1,                                    \
        .clock_hz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ * 1000000,       \
        .receive_buffer_bytes = (kept_bytes),                        \
        .baud = (speed),                                             \
        .stack = task_stack,                                         \
        .stack_bytes = sizeof task_stack,                            \
    }

void line_init(void);

// As board_read(), board_write() and board_set_baud().
size_t line_read(uint8_t *data, size_t capacity);
void line_write(const uint8_t *data, size_t size);
void line_set_baud(uint32_t baud);
