"""What a board is to the build, the budget, the host and the docs. The boards themselves are in `boards.py`."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.compilers import Compiler, Tool
from tinyproof.cores import Core
from tinyproof.usb_ids import UsbId

KIB = 1024
MIB = 1024 * KIB
STACK_BYTES = 8 * KIB
FED_LINE = "shared/fed_line.c"  # among the sources of a board with a line, a counter and a watchdog
QEMU_FLAGS = ("-display", "none", "-monitor", "none", "-kernel", "{firmware}")
# A UART on standard input and output. Most of QEMU's hold one byte, and its thread that brings the next one waits for
# the firmware to take it, which on a busy computer is a long time for each. A multiplexer, here of one line, holds 32
# more; the escape character that it looks for is no byte.
QEMU_LINE = ("-echr", "256", "-chardev", "stdio,id=line,mux=on,signal=off", "-serial", "chardev:line")


@dataclass(frozen=True)
class Budget:
    """Memory a firmware image may use; `of` names the chip whose limits these are."""

    of: str
    flash_bytes: int
    ram_bytes: int


@dataclass(frozen=True)
class StLoader:
    """ST's boot loader in the ROM of a chip: where the flash begins, what it calls the chip, and the flash over USB."""

    flash_base: int
    chip: int  # of AN3155's command Get ID
    layout: str  # of the flash, as dfu-util prints it


@dataclass(frozen=True)
class EspLoader:
    """Espressif's boot loader in the ROM of a chip that starts an image of ours by itself: where the flash begins, what
    esptool calls the chip, and its first revision that does so.
    """

    flash_base: int
    chip: str
    revision: tuple[int, int]


@dataclass(frozen=True)
class ArduinoBoot:
    """Arduino's boot loader in the flash of a board: where programs begin, what it calls the chip, and the USB ids of
    programs of Arduino's, which can be asked for it.
    """

    flash_base: int
    chip: str
    programs: tuple[UsbId, ...]


@dataclass(frozen=True)
class Board:
    """One board. The first of its `compilers` that is installed builds it, with the kernels of its `core`. `run` starts
    it on this machine, with {firmware} and {model} filled in; standard input and output are its serial line. It is
    empty where the firmware runs on a chip alone: such a board is on a USB cable. One with both is emulated unless its
    port is named.

    `application` are its USB ids while it runs a program, `bootloader` those while it waits for one, `other_socket`
    those of a USB connector of the board that this firmware does not talk through.
    """

    name: str
    title: str
    engine: str
    core: Core
    sources: tuple[str, ...] = ()  # below firmware/boards/
    compilers: tuple[Compiler, ...] = ()
    link_flags: tuple[str, ...] = ()  # {folder} is the folder of the first source
    linker_scripts: tuple[str, ...] = ()  # below firmware/boards/, of which one is made, in this order
    defines: tuple[str, ...] = ()
    budget: Budget | None = None
    emulator: Tool | None = None
    run: tuple[str, ...] = ()
    start_s: float = 30.0  # within which it says hello when it is started here, on a computer that has other work, too
    uf2_family: int = 0  # of a chip whose boot ROM takes UF2 files, on a drive
    drive: str = ""  # what that drive calls the chip, or the board
    drive_label: str = ""  # of its volume, where that is another word
    watcher: str = ""  # below firmware/boards/: C that the emulator loads, compiled for this computer
    framework: str = ""  # of the vendor, where it builds the firmware: "arduino", "espidf"
    chip: str = ""  # what ESP-IDF calls it
    runtime: str | None = None  # the TensorFlow Lite Micro of its engine tflm, as export/runtimes.py calls it
    application: tuple[UsbId, ...] = ()
    bootloader: tuple[UsbId, ...] = ()
    other_socket: tuple[UsbId, ...] = ()
    wants_dtr: bool = False  # sends and receives only while DTR is high; elsewhere DTR can reset the chip
    camera: str = ""  # the driver behind its example Camera; empty without one
    recovery: str = ""  # what to do by hand when it does not react
    st_loader: StLoader | None = None  # what `make flash` writes through, where the firmware is built here
    esp_loader: EspLoader | None = None  # the same
    arduino_boot: ArduinoBoot | None = None  # the same

    @property
    def is_real(self) -> bool:
        """Whether it is a board on a USB cable and nothing else: no emulator runs its firmware here."""
        return bool(self.application) and not self.run
