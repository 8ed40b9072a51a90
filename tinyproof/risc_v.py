"""The boards with a RISC-V core that are built here, bare metal, and run in an emulator."""

from __future__ import annotations

from typing import Any

from tinyproof.board import FED_LINE, KIB, MIB, QEMU_FLAGS, QEMU_LINE, STACK_BYTES, Board, Budget, EspLoader
from tinyproof.compilers import QEMU_RISCV32, RV32IMC_C, UNICORN, ZIG_RV32IMC_C
from tinyproof.cores import RV32IMC
from tinyproof.environment import run_module
from tinyproof.usb_ids import ESP_OWN_USB, USB_BRIDGES

# Of ESP-IDF's application: its partition (boards/esp32/sdkconfig.defaults), and what ESP-IDF leaves of the RAM.
ESP32_C3 = Budget("ESP32-C3", flash_bytes=1_536_000, ram_bytes=240 * KIB)
# Flash: what the boot ROM maps. RAM: SRAM 1, and the 8 KiB of the real-time clock that keep their content.
ESP32_C3_BARE = Budget("ESP32-C3", flash_bytes=4 * MIB, ram_bytes=384 * KIB)
COMPILERS = (RV32IMC_C, ZIG_RV32IMC_C)
STARTUP = ("riscv/startup.c", "riscv/fault.c")


def _esp32_c3_bare(name: str, title: str, link: str, **more: Any) -> Board:
    """The same image on the chip, where `make flash` puts it, and in Unicorn."""
    parts = ("board", "boot", "clocks", "counter", f"line_{link}", "watchdog")
    return Board(
        name=name,
        title=title,
        engine="compiled",
        core=RV32IMC,
        sources=(*(f"esp32c3/{part}.c" for part in parts), *STARTUP, FED_LINE),
        compilers=COMPILERS,
        linker_scripts=("esp32c3/memory.ld", "riscv/ram.ld"),
        defines=(
            *(f'BOARD_NAME="{name}"', f"STACK_BYTES={STACK_BYTES}"),
            f"LINE_BAUD={115200 if link == 'uart' else 0}u",
        ),
        budget=ESP32_C3_BARE,
        emulator=UNICORN,
        run=(*run_module("tinyproof.host.esp32c3_device"), "{firmware}"),
        watcher="unicorn/count.c",
        recovery="hold its BOOT button while you press and release RESET (EN), then try again",
        esp_loader=EspLoader(flash_base=0x4200_0000, chip="ESP32-C3", revision=(0, 3)),
        **more,
    )


RISC_V_BOARDS = (
    Board(
        name="qemu-riscv32",
        title="emulated RV32IMC, the instruction set of the ESP32-C3",
        engine="compiled",
        core=RV32IMC,
        sources=("qemu_16550/board.c", "qemu_16550/riscv32.c", *STARTUP),
        compilers=COMPILERS,
        linker_scripts=("qemu_16550/riscv32.ld", "riscv/ram.ld"),
        defines=(
            *('BOARD_NAME="qemu-riscv32"', f"STACK_BYTES={STACK_BYTES}"),
            *("UART_16550_BASE=0x10000000u", "UART_16550_STRIDE=1u"),
            *("COUNTER_NUMERATOR=1", "COUNTER_DENOMINATOR=1"),
        ),
        budget=ESP32_C3,
        emulator=QEMU_RISCV32,
        run=(
            *("qemu-system-riscv32", "-M", "virt", "-cpu", "lowrisc-ibex", "-bios", "none", *QEMU_FLAGS),
            *("-icount", "shift=0", *QEMU_LINE),
        ),
    ),
    _esp32_c3_bare(
        *(
            "esp32c3-bare",
            "ESP32-C3 without ESP-IDF, serial line over UART0; emulated unless its port is named",
            "uart",
        ),
        application=USB_BRIDGES,
        other_socket=(ESP_OWN_USB,),
    ),
    _esp32_c3_bare(
        *("esp32c3-usb", "the same, serial line over the chip's own USB", "usb"),
        application=(ESP_OWN_USB,),
    ),
)
