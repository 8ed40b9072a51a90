"""Flashing a chip through ST's boot loader, with everything real but the chip: stm32loader writes to a port on which
the loader of AN3155 is spoken here, and what came into its flash then runs in the emulator, on the same port.

dfu-util is a script that lists what was recorded of such chips, and writes down what it was asked.
"""

from __future__ import annotations

import os
import select
import stat
import struct
import subprocess
from functools import reduce
from operator import xor
from pathlib import Path

import needs
import pytest
from rom_loaders import RomLoader
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.firmware.build import image_path
from tinyproof.firmware.flash_files import flash_bytes
from tinyproof.host import flash_stm32

BOARD = BOARDS["stm32f405"]
FLASH = 0x0800_0000
FLASH_BYTES = 1 << 20
ACK, NACK = b"\x79", b"\x1f"
GET, GET_ID, READ, GO, WRITE, ERASE = 0x00, 0x02, 0x11, 0x21, 0x31, 0x44
# A pseudo-terminal has no parity, nor lines for reset and BOOT0, which stm32loader moves.
LIKE_A_UART = """
import serial, termios
set_attributes = termios.tcsetattr
def without_parity(port, when, attributes):
    attributes[2] &= ~termios.PARENB
    set_attributes(port, when, attributes)
termios.tcsetattr = without_parity
serial.Serial._update_dtr_state = serial.Serial._update_rts_state = lambda self: None
"""


class StLoader(RomLoader):
    """ST's boot loader on a pseudo-terminal (AN3155). After GO, what is in the flash runs in QEMU on the same port."""

    def __init__(self, folder: Path, chip: int = 0x413, flaw: int | None = None, runs_program: bool = False) -> None:
        super().__init__(FLASH_BYTES, flaw, runs_program)
        self.folder, self.chip, self.erased = folder, chip, False

    def _serve(self):
        synchronized = False
        while not self.ending.is_set():
            try:
                if self.program:
                    self._pass_on()
                elif not synchronized:
                    synchronized = self._take(1) == b"\x7f" and not self.runs_program
                    self._say(ACK if synchronized else b"?")
                else:
                    self._obey()
            except TimeoutError:
                continue

    def _take(self, size):
        data = b""
        while len(data) < size:
            if not select.select([self.master], [], [], 0.2)[0]:
                if data and not self.ending.is_set():
                    continue
                raise TimeoutError
            data += os.read(self.master, size - len(data))
        return data

    def _say(self, data):
        os.write(self.master, data)

    def _whole(self, data):
        """Whether the last byte is the sum of the others; the answer is given."""
        right = reduce(xor, data) == 0
        self._say(ACK if right else NACK)
        return right

    def _address(self):
        data = self._take(5)
        assert self._whole(data)
        return struct.unpack(">I", data[:4])[0] - FLASH

    def _obey(self):
        command, complement = self._take(2)
        if command ^ complement != 0xFF or command not in (GET, GET_ID, READ, GO, WRITE, ERASE):
            self._say(NACK)
            return
        self._say(ACK)
        if command == GET:
            known = bytes([0x31, GET, 0x01, GET_ID, READ, GO, WRITE, ERASE, 0x63, 0x73, 0x82, 0x92])
            self._say(bytes([len(known) - 1]) + known + ACK)
        elif command == GET_ID:
            self._say(b"\x01" + struct.pack(">H", self.chip) + ACK)
        elif command == READ:
            start = self._address()
            size = self._take(2)
            if self.flaw is not None:
                self.flash[self.flaw] ^= 1
                self.flaw = None
            self._say(ACK + bytes(self.flash[start : start + size[0] + 1]))
        elif command == WRITE:
            start = self._address()
            size = self._take(1)
            data = self._take(size[0] + 2)
            if self._whole(size + data):
                assert self.erased and self.flash[start : start + len(data) - 1] == b"\xff" * (len(data) - 1)
                self.flash[start : start + len(data) - 1] = data[:-1]
        elif command == ERASE:
            assert self._take(3) == b"\xff\xff\x00"
            self.flash[:], self.erased = b"\xff" * FLASH_BYTES, True
            self._say(ACK)
        else:
            assert self._address() == 0
            self._start()

    def _start(self):
        image = self.folder / "flash.bin"
        image.write_bytes(self.flash)
        command = [word.format(firmware=image) for word in BOARD.run]
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def usb(device):
    info = ListPortInfo(device)
    info.vid, info.pid, info.location = BOARD.application[0].vendor, BOARD.application[0].product, "1-2:1.0"
    return info


@pytest.fixture
def wires(monkeypatch, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(LIKE_A_UART)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


@pytest.fixture
def dfu_util(monkeypatch, tmp_path):
    """(what it lists, what it says, its status when writing) -> a stand-in; returns a function that reads its calls."""

    def install(listing="", said="", status=0):
        folder, log = tmp_path / "bin", tmp_path / "dfu.log"
        folder.mkdir()
        (folder / "list").write_text(listing)
        (folder / "said").write_text(said)
        script = folder / "dfu-util"
        script.write_text(
            f'#!/bin/sh\ncase "$1" in --list) cat {folder}/list; cat {folder}/said >&2;; '
            f'*) echo "$*" >> {log}; exit {status};; esac\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return lambda: log.read_text().splitlines() if log.exists() else []

    return install


def listed_chip(path, flash="04*016Kg,01*064Kg,07*128Kg"):
    """What dfu-util 0.11 prints of a chip of the STM32F4 series."""
    found = f'Found DFU: [0483:df11] ver=2200, devnum=12, cfg=1, intf=0, path="{path}", alt='
    serial = 'serial="339D36483335"'
    return (
        f'{found}3, name="@Device Feature/0xFFFF0000/01*004 e", {serial}\n'
        f'{found}2, name="@OTP Memory /0x1FFF7800/01*512 e,01*016 e", {serial}\n'
        f'{found}1, name="@Option Bytes  /0x1FFFC000/01*016 e", {serial}\n'
        f'{found}0, name="@Internal Flash  /0x08000000/{flash}", {serial}\n'
    )


@needs.stm32loader
def test_what_stm32loader_wrote_says_hello(model, bus, wires, tmp_path):
    with StLoader(tmp_path) as chip:
        bus[:] = [usb(chip.port)]
        assert flash_stm32.flash_stm32(BOARD, model).port == chip.port
        content = flash_bytes(image_path(model, BOARD), FLASH)
        assert chip.flash == content + b"\xff" * (FLASH_BYTES - len(content))


@needs.stm32loader
@pytest.mark.parametrize(
    "loader, words",
    [
        ({"chip": 0x410}, "this is chip 0x410, STM32F10x Medium-density, and no stm32f405; nothing was written"),
        ({"flaw": 4000}, "stm32loader could not write"),
        ({"runs_program": True}, r"no boot loader of ST's answers: connect its BOOT0 to 3.3 V.*RX to PA9"),
    ],
    ids=["another chip", "a bad cell", "no boot loader"],
)
def test_another_chip_a_bad_one_and_one_that_does_not_wait_are_refused(model, bus, wires, tmp_path, loader, words):
    with StLoader(tmp_path, **loader) as chip, pytest.raises(UserError, match=words) as refusal:
        flash_stm32.flash_stm32(BOARD, model, port=chip.port)
    assert "\n" not in refusal.value.message
    assert chip.erased == ("flaw" in loader) and chip.program is None


def test_a_chip_on_usb_goes_before_an_adapter_which_then_hears_it(model, bus, dfu_util, tmp_path, monkeypatch):
    calls = dfu_util(listed_chip("1-3"), status=flash_stm32.LEFT_EARLY)
    with StLoader(tmp_path) as chip:
        bus[:] = [usb(chip.port)]
        chip.flash[:] = b"\xff" * FLASH_BYTES

        def write(command, settings, along=flash_stm32.run_along):
            status = along(command, settings)
            content = Path(command[-1]).read_bytes()
            chip.flash[: len(content)] = content
            chip._start()
            return status

        monkeypatch.setattr(flash_stm32, "run_along", write)
        assert flash_stm32.flash_stm32(BOARD, model).port == chip.port
    file = model / "stm32f405" / "firmware.bin"
    options = "--device 0483:df11 --path 1-3 --alt 0 --dfuse-address 0x08000000:leave"
    assert calls() == [f"{options} --download {file}"]


@pytest.mark.parametrize(
    "listing, said, status, words",
    [
        (listed_chip("1-3") + listed_chip("1-4"), "", 0, r"2 chips wait for a program on USB \(1-3, 1-4\)"),
        (listed_chip("1-3", "04*016Kg,01*064Kg,03*128Kg"), "", 0, "USB 1-3 has another flash than stm32f405.*,03"),
        (listed_chip("1-3"), "", 1, r"dfu-util could not write \(status 1\)"),
        (listed_chip("1-3"), "", 0, "written, and not heard.*adapter"),
        (
            *("", "dfu-util: Cannot open DFU device 0483:df11 found on devnum 12 (LIBUSB_ERROR_ACCESS)\n", 0),
            "may not open the chip 0483:df11 on USB: add a udev rule",
        ),
        ("", "", 0, r"no stm32f405 waits for a program: connect its BOOT0.*Ports there are: none"),
    ],
    ids=["two", "another chip", "fails", "nobody to hear it", "not allowed", "none"],
)
def test_what_is_wrong_on_usb_is_one_line(model, bus, dfu_util, listing, said, status, words):
    calls = dfu_util(listing, said, status)
    with pytest.raises(UserError, match=words) as refusal:
        flash_stm32.flash_stm32(BOARD, model)
    assert "\n" not in refusal.value.message
    assert len(calls()) == ("could not" in words or "written" in words)


def test_without_a_chip_an_adapter_or_dfu_util_one_line_says_what_to_connect(model, bus, monkeypatch, tmp_path):
    monkeypatch.setattr(flash_stm32.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="dfu-util is not installed: on Debian or Ubuntu .sudo apt-get"):
        flash_stm32.flash_stm32(BOARD, model)
    bus[:] = [usb("/dev/ttyUSB0"), usb("/dev/ttyUSB1")]
    with pytest.raises(UserError, match="2 ports could lead to the stm32f405: .*name one"):
        flash_stm32.flash_stm32(BOARD, model)
    with pytest.raises(UserError, match="there is no port /dev/ttyUSB7"):
        flash_stm32.flash_stm32(BOARD, model, port="/dev/ttyUSB7")
    with pytest.raises(UserError, match="runs compiled alone: leave ENGINE= out"):
        flash_stm32.flash_stm32(BOARD, model, engine="tflm")
    monkeypatch.setattr(flash_stm32.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="stm32loader is not installed: `make flash` installs it"):
        flash_stm32.write_over_uart(BOARD, "/dev/ttyUSB0", tmp_path)
