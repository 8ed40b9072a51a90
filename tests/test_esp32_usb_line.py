"""The ESP32 boards' line over the chip's own USB, on this computer: against a driver that takes a part whole or not."""

from __future__ import annotations

import ctypes

import needs
import pytest
from conftest import FIRMWARE

pytestmark = needs.gcc  # a shared library under UndefinedBehaviorSanitizer

# What line_usb.c takes of ESP-IDF. The driver notes how long it was told to wait, and takes what there is `room` for.
HEADERS = {
    "sdkconfig.h": '#define CONFIG_IDF_TARGET "esp32s3"\n#define CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ 240\n',
    "esp_err.h": "#define ESP_ERROR_CHECK(result) ((void)(result))\n",
    "freertos/FreeRTOS.h": (
        "#pragma once\n#include <stdint.h>\ntypedef uint8_t StackType_t;\n#define pdMS_TO_TICKS(ms) ((uint32_t)(ms))\n"
    ),
    "driver/usb_serial_jtag.h": """#include <stddef.h>
#include <stdint.h>
typedef struct { uint32_t tx_buffer_size, rx_buffer_size; } usb_serial_jtag_driver_config_t;
int usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *config);
int usb_serial_jtag_read_bytes(void *data, uint32_t capacity, uint32_t ticks);
int usb_serial_jtag_write_bytes(const void *data, size_t size, uint32_t ticks);
""",
}
DRIVER = """#include <string.h>
#include "line.h"
#include <driver/usb_serial_jtag.h>
StackType_t task_stack[TASK_STACK_BYTES];
uint32_t room, waited, taken_bytes, largest, send_buffer, receive_buffer;
uint8_t taken[65536];
int usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *config) {
    send_buffer = config->tx_buffer_size;
    receive_buffer = config->rx_buffer_size;
    return 0;
}
int usb_serial_jtag_read_bytes(void *data, uint32_t capacity, uint32_t ticks) {
    (void)data; (void)capacity; (void)ticks;
    return 0;
}
int usb_serial_jtag_write_bytes(const void *data, size_t size, uint32_t ticks) {
    if (size > largest) largest = (uint32_t)size;
    if (size > room) { waited += ticks; return 0; }
    room -= (uint32_t)size;
    memcpy(taken + taken_bytes, data, size);
    taken_bytes += (uint32_t)size;
    return (int)size;
}
"""


class Line:
    """The line, and what the driver saw of it."""

    def __init__(self, library):
        self.library = library
        library.line_write.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        for name in ("waited", "taken_bytes", "largest"):
            self.set(name, 0)
        self.set("room", 1 << 16)
        library.line_write(b"\0", 1)  # after which a host listens
        self.set("taken_bytes", 0)

    def get(self, name):
        return ctypes.c_uint32.in_dll(self.library, name).value

    def set(self, name, value):
        ctypes.c_uint32.in_dll(self.library, name).value = value

    def write(self, content):
        self.library.line_write(content, len(content))

    def taken(self):
        return bytes((ctypes.c_uint8 * 65536).in_dll(self.library, "taken")[: self.get("taken_bytes")])


@pytest.fixture
def line(compile_shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("esp_idf")
    for name, text in {**HEADERS, "driver.c": DRIVER}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    boards = FIRMWARE / "boards"
    return Line(
        compile_shared(
            "usb_line", [boards / "esp32" / "line_usb.c", folder / "driver.c"], [folder, boards, boards / "esp32"]
        )
    )


def test_what_is_written_arrives_in_parts_that_the_drivers_buffer_holds(line):
    line.library.line_init()
    content = bytes(range(256)) * 40
    line.write(content)
    assert line.taken() == content
    assert line.get("largest") <= line.get("send_buffer")


def test_without_a_host_one_write_waits_and_the_next_ones_do_not(line):
    line.set("room", 0)
    line.write(bytes(5000))
    waited = line.get("waited")
    assert 0 < waited <= 100
    for _ in range(10):
        line.write(bytes(5000))
    assert line.get("waited") == waited and line.get("taken_bytes") == 0


def test_a_host_that_comes_back_is_waited_for_again(line):
    line.set("room", 0)
    line.write(b"lost")
    waited = line.get("waited")
    line.set("room", 4)
    line.write(b"back")
    assert line.taken() == b"back"
    line.write(b"full")
    assert line.get("waited") == 2 * waited


def test_the_window_that_hello_names_is_what_the_driver_keeps(line):
    line.library.line_init()

    class Info(ctypes.Structure):  # the first fields of board_info
        _fields_ = [("name", ctypes.c_char_p), ("unit", ctypes.c_char_p), ("ratio", ctypes.c_uint16 * 2)]
        _fields_ += [
            ("clock_hz", ctypes.c_uint32),
            ("receive_buffer_bytes", ctypes.c_uint32),
            ("baud", ctypes.c_uint32),
        ]

    board = Info.in_dll(line.library, "board")
    assert (board.name, board.baud) == (b"esp32s3-usb", 0)
    assert board.receive_buffer_bytes == line.get("receive_buffer")
