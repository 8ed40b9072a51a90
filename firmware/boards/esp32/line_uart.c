// The line over UART0, which the board's USB bridge is wired to.
#include <driver/uart.h>
#include <soc/uart_pins.h>

#include "line.h"

enum {
    BAUD = 115200,              // as host/transport.py
    RECEIVE_BYTES = 16 * 1024,  // the driver fills it while the model runs; the line has no flow control
};

const board_info board = BOARD_ON_LINE(CONFIG_IDF_TARGET, RECEIVE_BYTES, BAUD);

void line_init(void) {
    const uart_config_t line = {
        .baud_rate = BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(UART_NUM_0, RECEIVE_BYTES, 0, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(UART_NUM_0, &line));
    ESP_ERROR_CHECK(uart_set_pin(UART_NUM_0, U0TXD_GPIO_NUM, U0RXD_GPIO_NUM, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE));
}

size_t line_read(uint8_t *data, size_t capacity) {
    const int size = uart_read_bytes(UART_NUM_0, data, capacity, 0);
    return size > 0 ? (size_t)size : 0;
}

// Blocks until the last byte is in the UART, which sends whether or not anybody listens.
void line_write(const uint8_t *data, size_t size) { uart_write_bytes(UART_NUM_0, data, size); }

void line_set_baud(uint32_t baud) {
    uart_wait_tx_done(UART_NUM_0, portMAX_DELAY);  // into a UART without flow control, so it ends
    uart_set_baudrate(UART_NUM_0, baud);
}
