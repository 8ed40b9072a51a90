// The line over the chip's own USB, a serial port in hardware (USB Serial/JTAG Controller): what small boards have in place
// of a bridge.
#include <stdbool.h>

#include <driver/usb_serial_jtag.h>
#include <esp_err.h>

#include "line.h"

enum {
    RECEIVE_BYTES = 16 * 1024,  // the driver fills it while the model runs, and loses what does not fit: it holds nobody up
    SEND_BYTES = 2 * 1024,
    PART_BYTES = SEND_BYTES / 2,  // the driver takes a part whole or not at all
    PATIENCE_MS = 50,             // in which a host takes a part if anybody has the port open
};

const board_info board = BOARD_ON_LINE(CONFIG_IDF_TARGET "-usb", RECEIVE_BYTES, 0);

static bool is_heard = true;

void line_init(void) {
    usb_serial_jtag_driver_config_t config = {.tx_buffer_size = SEND_BYTES, .rx_buffer_size = RECEIVE_BYTES};
    ESP_ERROR_CHECK(usb_serial_jtag_driver_install(&config));
}

size_t line_read(uint8_t *data, size_t capacity) {
    const int size = usb_serial_jtag_read_bytes(data, (uint32_t)capacity, 0);
    return size > 0 ? (size_t)size : 0;
}

// After a host that did not take a part in time, asks only once until there is room again; what is left is dropped.
void line_write(const uint8_t *data, size_t size) {
    while (size > 0) {
        const size_t part = size < PART_BYTES ? size : PART_BYTES;
        is_heard = usb_serial_jtag_write_bytes(data, part, is_heard ? pdMS_TO_TICKS(PATIENCE_MS) : 0) > 0;
        if (!is_heard) return;
        data += part;
        size -= part;
    }
}

void line_set_baud(uint32_t baud) { (void)baud; }
