"""Arduino's boot loader of the Nano 33 BLE, spoken to on its USB port: a dialect of Atmel's SAM-BA, in text.

Arduino's own program for it, bossac in a version of theirs, comes with their IDE alone; the bossac of Linux
distributions does not know the chip. Addresses count from where programs begin in flash.
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Callable

import serial

from tinyproof.console import UserError

SECTOR_BYTES = 4096  # erased at once; the loader's buffer has room for two
LINE_END = b"\n\r"
ANSWER_S = 2.0
ERASED = b"\xff"


class LoaderError(UserError):
    """The boot loader does not answer, or answers something else."""


class ArduinoLoader:
    """The loader behind an open port. Every call raises LoaderError where it does not do as it is asked."""

    def __init__(self, port: serial.SerialBase) -> None:
        self._port = port
        port.reset_input_buffer()
        port.write(b"N#")  # data as bytes, not for a terminal
        self._take(2)

    def chip(self) -> str:
        """Its name for the chip, `nRF52840-QIAA`."""
        self._port.write(b"I#")
        return self._line()

    def write(self, content: bytes, done: Callable[[int], object] = lambda size: None) -> None:
        """Write a program from its beginning on, sector by sector, and compare each; `done` is told how many bytes."""
        for start in range(0, len(content), SECTOR_BYTES):
            sector = content[start : start + SECTOR_BYTES].ljust(SECTOR_BYTES, ERASED)
            self._write_sector(start, sector)
            done(min(start + SECTOR_BYTES, len(content)))

    def start(self) -> None:
        """Leave the loader: the chip is reset, and the port goes away."""
        self._port.write(b"K#")
        self._port.flush()

    def _write_sector(self, start: int, sector: bytes) -> None:
        self._port.write(b"S%08X,%08X#" % (0, len(sector)))
        self._port.flush()  # a packet that holds command and data confuses loaders of this family
        self._port.write(sector)
        self._ask(b"Y%08X,0#" % 0, b"Y")  # from the beginning of the buffer ...
        self._ask(b"Y%08X,%08X#" % (start, len(sector)), b"Y")  # ... into flash, which it erases before
        answer = self._ask(b"Z%08X,%08X#" % (start, len(sector)), b"Z")
        if answer != b"%08X#" % binascii.crc_hqx(sector, 0):
            raise LoaderError(f"{self._port.port}: the flash does not hold what was written, {start:,} bytes on")

    def _ask(self, command: bytes, name: bytes) -> bytes:
        """What a command answers behind its name."""
        self._port.write(command)
        answer = self._line().encode("latin-1")
        if answer[:1] != name:
            raise LoaderError(f"{self._port.port}: the boot loader answered {answer!r} to {command!r}")
        return answer[1:]

    def _line(self) -> str:
        data = bytearray()
        while not data.endswith(LINE_END):
            data += self._take(1)
        return data[: -len(LINE_END)].decode("latin-1")

    def _take(self, size: int) -> bytes:
        """That many bytes."""
        data, deadline = bytearray(), time.monotonic() + ANSWER_S
        while len(data) < size and time.monotonic() < deadline:
            data += self._port.read(size - len(data))
        if len(data) < size:
            raise LoaderError(f"{self._port.port}: no boot loader of Arduino's answers")
        return bytes(data)
