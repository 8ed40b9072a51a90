"""The table of boards: every fact about a board that the build, the budget, the host and the docs need.

A board is a folder of sources, its compilers and a way to run. Adding one means adding an entry here and a folder under
firmware/boards/ that implements board.h.
"""

from __future__ import annotations

from typing import Any

from tinyproof import advice
from tinyproof.board import KIB, QEMU_FLAGS, QEMU_LINE, STACK_BYTES, Board, Budget
from tinyproof.compilers import (
    CORTEX_M0PLUS_C,
    HOST_C,
    HOST_C_CHECKED,
    LX106_C,
    QEMU_XTENSA,
    RP2040JS,
    ZIG_CORTEX_M0PLUS_C,
    ZIG_HOST_C,
)
from tinyproof.cores import CORTEX_M0PLUS, CORTEX_M4F, PORTABLE, SIMD
from tinyproof.cortex_m import CORTEX_M_BOARDS
from tinyproof.environment import run_module
from tinyproof.risc_v import ESP32_C3, RISC_V_BOARDS
from tinyproof.usb_ids import ARDUINO_BOOTLOADER, ARDUINO_PROGRAM, ESP_OWN_USB, PICO_USB, USB_BRIDGES

__all__ = ["STACK_BYTES", "Board", "Budget"]  # those of board.py

# Flash of all: the application's partition (boards/esp32/sdkconfig.defaults). RAM: static data may take 160 KiB of the
# ESP32's 320; on the others, what ESP-IDF's own code and data leave.
ESP32 = Budget("ESP32", flash_bytes=1_536_000, ram_bytes=160 * KIB)
ESP32_S3 = Budget("ESP32-S3", flash_bytes=1_536_000, ram_bytes=256 * KIB)
RP2040 = Budget("Raspberry Pi Pico", flash_bytes=2048 * KIB, ram_bytes=264 * KIB)


def _pico(name: str, title: str, link: str, *link_sources: str, **more: Any) -> Board:
    return Board(
        name=name,
        title=title,
        engine="compiled",
        core=CORTEX_M0PLUS,
        sources=tuple(
            f"pico/{part}.c" for part in ("boot2", "startup", "clocks", "watchdog", "board", "received", *link_sources)
        ),
        compilers=(CORTEX_M0PLUS_C, ZIG_CORTEX_M0PLUS_C),
        link_flags=("-T{folder}/memory.ld",),
        defines=(
            *(f'BOARD_NAME="{name}"', f"STACK_BYTES={STACK_BYTES}"),
            *(f"LINK_IRQ=IRQ_{link.upper()}", f"LINK_BAUD={115200 if link == 'uart' else 0}u"),
        ),
        budget=RP2040,
        emulator=RP2040JS,
        start_s=300.0,
        run=(*run_module("tinyproof.host.rp2040_device"), "{firmware}", link),
        uf2_family=0xE48BFF56,
        drive="RPI-RP2",
        recovery="unplug it, hold its BOOTSEL button while plugging it in, and flash it again",
        **more,
    )


ESP32_CAMERA = "esp32-camera"  # the ESP32-C3 has no camera interface


def _esp32(name: str, title: str, budget: Budget, *, link: str = "uart", engine: str = "tflm", **more: Any) -> Board:
    return Board(
        name=name,
        title=title,
        engine=engine,
        core=PORTABLE,
        sources=("esp32/board.c", f"esp32/line_{link}.c"),
        framework="espidf",
        runtime="esp-tflite-micro-1.4.0",
        budget=budget,
        application=(ESP_OWN_USB,) if link == "usb" else USB_BRIDGES,
        recovery="hold its BOOT button while you press and release RESET (EN), then try again",
        **more,
    )


BOARDS = {
    board.name: board
    for board in (
        *CORTEX_M_BOARDS,
        *RISC_V_BOARDS,
        Board(
            name="qemu-xtensa",
            title="emulated Xtensa LX106, a relative of the ESP32's core",
            engine="compiled",
            core=PORTABLE,
            sources=("qemu_16550/board.c", "qemu_16550/xtensa.c", "qemu_16550/muldi3.c", "qemu_16550/division.c"),
            compilers=(LX106_C,),
            link_flags=("-T{folder}/xtensa.ld",),
            defines=(
                *('BOARD_NAME="qemu-xtensa"', f"STACK_BYTES={STACK_BYTES}"),
                *("UART_16550_BASE=0x9D050020u", "UART_16550_STRIDE=4u"),
                *("COUNTER_NUMERATOR=25", "COUNTER_DENOMINATOR=64"),
            ),
            emulator=QEMU_XTENSA,
            run=(
                *("qemu-system-xtensa", "-M", "lx60-nommu", "-cpu", "lx106", "-semihosting", *QEMU_FLAGS),
                *("-icount", "shift=6", *QEMU_LINE),
            ),
        ),
        _pico(
            *("pico", "Raspberry Pi Pico, serial line over USB; emulated unless its port is named"),
            *("usb", "link_usb", "usb_cdc"),
            application=(PICO_USB,),
            wants_dtr=True,
        ),
        _pico("pico-uart", "the same, serial line over its UART0", "uart", "link_uart", application=USB_BRIDGES),
        Board(
            name="host",
            title="the firmware as a process on this computer",
            engine="compiled",
            core=SIMD,
            sources=("host/board.c",),
            compilers=(HOST_C, ZIG_HOST_C),
            defines=('BOARD_NAME="host"',),
            run=("{firmware}",),
        ),
        Board(
            name="host-checked",
            title="the same under AddressSanitizer and UndefinedBehaviorSanitizer",
            engine="compiled",
            core=SIMD,
            sources=("host/board.c",),
            compilers=(HOST_C_CHECKED,),
            defines=('BOARD_NAME="host-checked"',),
            run=("{firmware}",),
        ),
        Board(
            name="nano33ble",
            title="Arduino Nano 33 BLE",
            engine="tflm",
            core=CORTEX_M4F,
            sources=("nano33ble/board.cpp",),
            framework="arduino",
            runtime="chirale-2.0.0",
            # RAM: what the Arduino core leaves of 256 KiB. Of what it takes 45,156 bytes are static, its 32 KiB main
            # stack among them; the rest is heap, on which its USB port has a thread, and its pins lie.
            budget=Budget("Arduino Nano 33 BLE", flash_bytes=983_040, ram_bytes=(256 - 48) * KIB),
            application=(ARDUINO_PROGRAM,),
            bootloader=(ARDUINO_BOOTLOADER,),
            wants_dtr=True,
            camera="Arduino_OV767X",
            recovery="press its reset button twice quickly (the orange light then fades in and out), then try again",
        ),
        _esp32("esp32", "ESP32", ESP32, chip="esp32", camera=ESP32_CAMERA),
        # It has kernels of its own in esp-nn, which are wrong in several versions (docs/boards.md).
        _esp32(
            *("esp32s3", "ESP32-S3", ESP32_S3),
            chip="esp32s3",
            engine="compiled",
            camera=ESP32_CAMERA,
            other_socket=(ESP_OWN_USB,),
        ),
        _esp32(
            *("esp32s3-usb", "ESP32-S3, serial line over the chip's own USB", ESP32_S3),
            chip="esp32s3",
            link="usb",
            engine="compiled",
            camera=ESP32_CAMERA,
        ),
        _esp32("esp32c3", "ESP32-C3", ESP32_C3, chip="esp32c3", other_socket=(ESP_OWN_USB,)),
        Board(
            name="interpreter",
            title="no firmware: Python's interpreter speaks the protocol",
            engine="interpreter",
            core=PORTABLE,
            run=(*run_module("tinyproof.host.interpreter_device"), "{model}"),
        ),
    )
}

CABLE_BOARDS = {name: board for name, board in BOARDS.items() if board.application}
REAL_BOARDS = {name: board for name, board in CABLE_BOARDS.items() if board.is_real}


def find_board(name: str) -> Board:
    """The board of that name. Raises UserError naming the known ones."""
    found = advice.same_name(name, BOARDS)
    if not found:
        from tinyproof.console import UserError  # make asks for this table before any package is installed

        raise UserError(f"unknown board {name!r}; known: {', '.join(BOARDS)}{advice.did_you_mean(name, BOARDS)}")
    return BOARDS[found]
