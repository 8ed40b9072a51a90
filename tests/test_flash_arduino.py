"""Flashing through Arduino's boot loader: its commands are answered here on one port, as it answers them, and the
emulated board is at the other end of an adapter, another port.
"""

from __future__ import annotations

import binascii
import os
import select

import needs
import pytest
from rom_loaders import RomLoader
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.firmware.build import build
from tinyproof.host import arduino_loader, flash, flash_arduino
from tinyproof.host.connection import start
from tinyproof.host.flashing import flash_board
from tinyproof.usb_ids import ARDUINO_BOOTLOADER, ARDUINO_PROGRAM, USB_BRIDGES

BOARD = BOARDS["nano33ble-bare"]
FLASH_BYTES, SECTOR_BYTES, BUFFER_BYTES = 983_040, 4096, 8192
VERSION = b"Arduino Bootloader (SAM-BA extended) 2.0 [Arduino:IKXYZ]\n\r"


class ArduinoLoader(RomLoader):
    """The loader on a pseudo-terminal. `flaw`: a place whose byte the flash does not keep."""

    def __init__(self, chip=b"nRF52840-QIAA", flaw=None, runs_program=False):
        super().__init__(FLASH_BYTES, flaw, runs_program)
        self.chip, self.started = chip, False
        self.buffer, self.source = bytearray(BUFFER_BYTES), 0

    def _serve(self):
        received = b""
        while not self.ending.is_set():
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            received += os.read(self.master, 4096)
            while b"#" in received and not self.runs_program:
                command, _, received = received.partition(b"#")
                name, *numbers = command[:1], *(int(word, 16) for word in command[1:].split(b",") if word)
                if name == b"S":
                    place, size = numbers
                    while len(received) < size:
                        received += os.read(self.master, 4096)
                    self.buffer[place : place + size], received = received[:size], received[size:]
                else:
                    os.write(self.master, self._answer(name, *numbers))

    def _answer(self, name, place=0, size=0):
        if name == b"K":
            self.started = True
            return b""
        if name == b"Y" and size == 0:
            self.source = place
        elif name == b"Y":
            assert place % SECTOR_BYTES == size % SECTOR_BYTES == 0, "the flash driver erases whole sectors alone"
            self.flash[place : place + size] = self.buffer[self.source : self.source + size]
            if self.flaw is not None and place <= self.flaw < place + size:
                self.flash[self.flaw] ^= 1
        elif name == b"Z":
            return b"Z%08X#\n\r" % binascii.crc_hqx(self.flash[place : place + size], 0)
        answers = {b"N": b"\n\r", b"V": VERSION, b"I": self.chip + b"\n\r", b"X": b"X\n\r", b"Y": b"Y\n\r"}
        return answers.get(name, b"")


def usb(device, usb_id, place="1-2"):
    info = ListPortInfo(device)
    info.vid, info.pid, info.location = usb_id.vendor, usb_id.product, f"{place}:1.0"
    return info


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(arduino_loader, "ANSWER_S", 0.5)
    monkeypatch.setattr(flash, "BOOTLOADER_S", 0.3)


@needs.portable
def test_what_was_written_is_the_image_and_the_board_is_heard_through_the_adapter(model, bus):
    build(model, BOARD)
    with ArduinoLoader() as loader, start(model, BOARD) as board:
        adapter = board.port
        bus[:] = [usb(loader.port, ARDUINO_BOOTLOADER), usb(adapter, USB_BRIDGES[0], "1-3")]
        flashed = flash_board(BOARD, model)
        content = (model / BOARD.name / "firmware.bin").read_bytes()
        assert loader.flash[: len(content)] == content and len(content) > 60_000
    assert loader.started
    assert flashed.port == adapter and (flashed.hello.board, flashed.hello.self_test_failures) == (BOARD.name, 0)


@pytest.mark.parametrize(
    "loader, words",
    [
        ({"chip": b"nRF52833"}, "this is an nRF52833, and no nano33ble-bare; nothing was written"),
        ({"flaw": 5000}, "the flash does not hold what was written, 4,096 bytes on: press its reset button twice"),
        ({"runs_program": True}, "no boot loader of Arduino's answers: press its reset button twice"),
    ],
    ids=["another chip", "a bad cell", "no boot loader"],
)
def test_another_chip_a_bad_one_and_none_are_one_line(model, bus, impatient, loader, words):
    with ArduinoLoader(**loader) as chip:
        bus[:] = [usb(chip.port, ARDUINO_BOOTLOADER)]
        with pytest.raises(UserError, match=words) as refusal:
            flash_board(BOARD, model)
    assert "\n" not in refusal.value.message and not chip.started
    assert (b"\xff" not in chip.flash[:SECTOR_BYTES]) == ("flaw" not in loader)


def test_what_is_wrong_before_and_after_writing_is_one_line(model, bus, impatient, monkeypatch):
    with pytest.raises(UserError, match="no nano33ble-bare waits for a program: .*press its reset.* there are: none"):
        flash_board(BOARD, model)
    bus[:] = [usb("/dev/ttyACM0", ARDUINO_BOOTLOADER), usb("/dev/ttyACM1", ARDUINO_BOOTLOADER, "1-3")]
    with pytest.raises(UserError, match="2 ports could be the nano33ble-bare: .*name one, e.g. PORT=/dev/ttyACM0"):
        flash_board(BOARD, model)
    with pytest.raises(UserError, match="there is no port /dev/ttyUSB7"):
        flash_board(BOARD, model, port="/dev/ttyUSB7")
    with pytest.raises(UserError, match="runs compiled alone: leave ENGINE= out"):
        flash_board(BOARD, model, engine="tflm")
    assert not (model / BOARD.name).exists()
    with ArduinoLoader() as program:
        bus[:] = [usb(program.port, ARDUINO_PROGRAM)]
        with pytest.raises(UserError, match="no bootloader appeared in 0.3 s; press its reset button twice"):
            flash_board(BOARD, model)
    with ArduinoLoader() as loader:
        bus[:] = [usb(loader.port, ARDUINO_BOOTLOADER)]
        with pytest.raises(UserError, match="written, and not heard: .*of those there are: none; .*PORT=.*asks it"):
            flash_board(BOARD, model)
        bus += [
            usb(device, USB_BRIDGES[0], place) for device, place in ((loader.port + "0", "1-3"), ("/dev/null", "1-4"))
        ]
        with pytest.raises(UserError, match="of those there are: /dev/null .*, .*0 .*PORT="):
            flash_board(BOARD, model)
        monkeypatch.setattr(flash_arduino, "report_hello", lambda board, port, *more: port.device)
        assert flash_board(BOARD, model, port="/dev/null") == "/dev/null"
    assert loader.started
