"""The boards with a Cortex-M and an FPU that are built here, bare metal, and run in an emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinyproof.board import FED_LINE, KIB, MIB, QEMU_FLAGS, QEMU_LINE, STACK_BYTES, ArduinoBoot, Board, Budget, StLoader
from tinyproof.compilers import (
    CORTEX_M4F_C,
    CORTEX_M7_C,
    CORTEX_M33_C,
    CORTEX_M55_C,
    QEMU_ARM,
    UNICORN,
    ZIG_CORTEX_M4F_C,
    ZIG_CORTEX_M7_C,
    ZIG_CORTEX_M33_C,
    ZIG_CORTEX_M55_C,
    Compiler,
)
from tinyproof.cores import CORTEX_M4F, CORTEX_M55, Core
from tinyproof.environment import run_module
from tinyproof.usb_ids import ARDUINO_BOOTLOADER, ARDUINO_PROGRAM, USB_BRIDGES

NANO_33_BLE_SENSE = Budget("Arduino Nano 33 BLE Sense", flash_bytes=983_040, ram_bytes=256 * KIB)
NO_LINE = ("-serial", "none")


@dataclass(frozen=True)
class _Mps2:
    """One of Arm's FPGA boards that QEMU emulates, as boards/qemu takes them, and the chip whose limits it has."""

    machine: str
    memory: str
    timer_base: int
    timer_hz: int
    compilers: tuple[Compiler, ...]
    budget: Budget
    core: Core = CORTEX_M4F
    counter: str = "counter_cmsdk.c"


CORTEX_M4F_COMPILERS = (CORTEX_M4F_C, ZIG_CORTEX_M4F_C)
AN386 = _Mps2("mps2-an386", "an386", 0x4000_0000, 25_000_000, CORTEX_M4F_COMPILERS, NANO_33_BLE_SENSE)
AN505 = _Mps2(
    "mps2-an505", "an505", 0x5000_0000, 20_000_000, (CORTEX_M33_C, ZIG_CORTEX_M33_C), Budget("nRF5340", MIB, 512 * KIB)
)
AN500 = _Mps2(
    "mps2-an500", "an386", 0x4000_0000, 25_000_000, (CORTEX_M7_C, ZIG_CORTEX_M7_C), Budget("STM32F746", MIB, 320 * KIB)
)


AN547 = _Mps2(
    *("mps3-an547", "an547", 0x5800_0000, 32_000_000, (CORTEX_M55_C, ZIG_CORTEX_M55_C)),
    budget=Budget("Arm's AN547", 2 * MIB, 512 * KIB),
    core=CORTEX_M55,
    counter="counter_sse.c",
)


def _mps2(name: str, title: str, on: _Mps2, link: str, baud: int = 0, **more: Any) -> Board:
    return Board(
        name=name,
        title=title,
        engine="compiled",
        core=on.core,
        sources=("qemu/board.c", f"qemu/{on.counter}", "cortex_m/startup.c", f"qemu/{link}"),
        linker_scripts=(f"qemu/{on.memory}.ld", "cortex_m/sections.ld"),
        defines=(
            *(f'BOARD_NAME="{name}"', f"STACK_BYTES={STACK_BYTES}", f"LINK_BAUD={baud}u"),
            *(f"TIMER_BASE={on.timer_base:#x}u", f"TIMER_HZ={on.timer_hz}"),
        ),
        budget=on.budget,
        **more,
    )


def _qemu_mps2(
    name: str, title: str, on: _Mps2, link: str = "link_semihosting.c", line: tuple[str, ...] = NO_LINE
) -> Board:
    return _mps2(
        *(name, title, on, link, 0 if line == NO_LINE else 115200),
        compilers=on.compilers,
        emulator=QEMU_ARM,
        run=(
            *("qemu-system-arm", "-M", on.machine, *QEMU_FLAGS, *line),
            *("-icount", "shift=6"),  # one instruction is 64 ns of emulated time: boards/qemu/board.c counts with that
            *("-semihosting-config", "enable=on,target=native"),
        ),
    )


# The same image on the chip, where `make flash` puts it, and in QEMU.
STM32F405 = Board(
    name="stm32f405",
    title="STM32F405, serial line over USART1; emulated unless its port is named",
    engine="compiled",
    core=CORTEX_M4F,
    sources=(
        *(f"stm32f405/{part}.c" for part in ("board", "clocks", "counter", "line", "watchdog")),
        *("cortex_m/startup.c", "cortex_m/fault.c", FED_LINE),
    ),
    compilers=CORTEX_M4F_COMPILERS,
    linker_scripts=("stm32f405/memory.ld", "cortex_m/sections.ld"),
    defines=('BOARD_NAME="stm32f405"', f"STACK_BYTES={STACK_BYTES}"),
    budget=Budget("STM32F405", flash_bytes=MIB, ram_bytes=128 * KIB),
    emulator=QEMU_ARM,
    run=("qemu-system-arm", "-M", "netduinoplus2", *QEMU_FLAGS, *QEMU_LINE, "-icount", "shift=0"),
    application=USB_BRIDGES,
    recovery="connect BOOT0 to GND and press its reset button",
    st_loader=StLoader(flash_base=0x0800_0000, chip=0x413, layout="04*016Kg,01*064Kg,07*128Kg"),
)


def _nrf52840(
    name: str, title: str, of: str, flash_bytes: int, loader: str, pins: dict[str, int], **more: Any
) -> Board:
    """The same image on the chip, behind the boot loader that its board is sold with, and in Unicorn."""
    return Board(
        name=name,
        title=f"{title}, serial line over its UART; emulated unless its port is named",
        engine="compiled",
        core=CORTEX_M4F,
        sources=(
            *(f"nrf52840/{part}.c" for part in ("board", "counter", "line", "watchdog")),
            *("cortex_m/startup.c", "cortex_m/fault.c", FED_LINE),
        ),
        compilers=CORTEX_M4F_COMPILERS,
        # Pages that end where the boot loader does: clang's linker puts the file's headers where a first page has room.
        link_flags=("-Wl,-z,max-page-size=0x1000",),
        linker_scripts=(f"nrf52840/{loader}.ld", "nrf52840/kept.ld", "cortex_m/sections.ld"),
        defines=(
            *(f'BOARD_NAME="{name}"', f"STACK_BYTES={STACK_BYTES}"),
            *(f"{what}={number}u" for what, number in pins.items()),
        ),
        budget=Budget(of, flash_bytes, ram_bytes=240 * KIB),  # of 256: boards/nrf52840/kept.ld
        emulator=UNICORN,
        run=(*run_module("tinyproof.host.nrf52840_device"), "{firmware}"),
        watcher="unicorn/count.c",
        application=USB_BRIDGES,
        **more,
    )


# Pins: 32 and more are those of port 1.
NANO_33_BLE_BARE = _nrf52840(
    *("nano33ble-bare", "Arduino Nano 33 BLE without its core", "Arduino Nano 33 BLE", 983_040, "arduino"),
    pins={"TX_PIN": 32 + 3, "RX_PIN": 32 + 10, "LED_PIN": 13, "LED_LIT": 1},  # D1, D0, the orange light
    bootloader=(ARDUINO_BOOTLOADER,),
    arduino_boot=ArduinoBoot(flash_base=0x1_0000, chip="nRF52840-QIAA", programs=(ARDUINO_PROGRAM,)),
    recovery="press its reset button twice quickly (the orange light then fades in and out), then try again",
)
XIAO_NRF52840_BARE = _nrf52840(
    *("xiao-nrf52840", "XIAO nRF52840 Sense", "XIAO nRF52840", 811_008, "adafruit"),
    pins={"TX_PIN": 32 + 11, "RX_PIN": 32 + 12, "LED_PIN": 26, "LED_LIT": 0},  # D6, D7, the red light
    uf2_family=0xADA5_2840,
    drive="nRF52840-SeeedXiaoSense-v1",
    drive_label="XIAO-SENSE",
    recovery="press its reset button twice quickly, so that its drive XIAO-SENSE appears, and flash it again",
)

CORTEX_M_BOARDS = (
    _qemu_mps2("qemu", "emulated Cortex-M4F, serial line over the debug channel", AN386),
    _qemu_mps2("qemu-uart", "emulated Cortex-M4F, serial line over its UART", AN386, "link_uart.c", QEMU_LINE),
    _mps2(
        *("unicorn", "emulated Cortex-M4F, compiler and CPU from PyPI", AN386, "link_semihosting.c"),
        compilers=(ZIG_CORTEX_M4F_C,),
        emulator=UNICORN,
        run=(*run_module("tinyproof.host.unicorn_device"), "{firmware}"),
        watcher="unicorn/count.c",
    ),
    _qemu_mps2("qemu-m33", "emulated Cortex-M33, with DSP and FPU, in its Secure state", AN505),
    _qemu_mps2("qemu-m7", "emulated Cortex-M7", AN500),
    _qemu_mps2("qemu-m55", "emulated Cortex-M55, with vectors (Helium), in its Secure state", AN547),
    STM32F405,
    NANO_33_BLE_BARE,
    XIAO_NRF52840_BARE,
)
