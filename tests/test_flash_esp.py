"""Flashing a chip through Espressif's boot loader, with everything real but the chip: esptool writes to a port on which
the loader's protocol is spoken here. The image that it wrote then runs in the emulator, on the same port.
"""

from __future__ import annotations

import hashlib
import os
import select
import struct
import subprocess

import needs
import pytest
from rom_loaders import RomLoader
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.firmware.build import image_path
from tinyproof.host import flash_esp
from tinyproof.host.flashing import flash_board
from tinyproof.host.ports import find_port

BOARD = BOARDS["esp32c3-bare"]
FLASH_BYTES, SECTOR_BYTES = 4 << 20, 4096
BEGIN, DATA, END, SYNC, WRITE_REG, READ_REG = 0x02, 0x03, 0x04, 0x08, 0x09, 0x0A
PARAMETERS, ATTACH, MD5, SECURITY = 0x0B, 0x0D, 0x13, 0x14
BLOCK_1 = 0x6000_8800 + 0x44  # of the fuses: where the revision is
SPI_DATA = 0x6000_2000 + 0x58
CHIP_IDS = {"ESP32-C3": 5, "ESP32-S3": 9}
# A pseudo-terminal has no lines for reset and BOOT.
LIKE_A_UART = """
import serial
serial.Serial._update_dtr_state = serial.Serial._update_rts_state = lambda self: None
import fcntl
control = fcntl.ioctl
fcntl.ioctl = lambda file, request, *more: (
    b"\\0" * 4 if request >> 4 == 0x541 and request & 15 > 4 and request & 15 < 9 else control(file, request, *more)
)
"""


class EspLoader(RomLoader):
    """The loader in the ROM, on a pseudo-terminal (esptool's documentation, Serial Protocol). Once its flash was
    compared, the program runs on the same port.
    """

    def __init__(self, image=None, chip="ESP32-C3", revision=(0, 3), flaw=None, runs_program=False):
        super().__init__(FLASH_BYTES, flaw, runs_program)
        self.image, self.chip, self.revision = image, chip, revision
        self.place, self.compared = 0, False

    def _serve(self):
        received = b""
        while not self.ending.is_set():
            if self.program:
                self._pass_on()
            elif select.select([self.master], [], [], 0.2)[0]:
                received += os.read(self.master, 4096)
                *frames, received = received.split(b"\xc0")
                for frame in frames:
                    if frame and not self.runs_program:
                        self._obey(frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb"))
            elif self.compared:
                command = [word.format(firmware=self.image) for word in BOARD.run]
                self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _answer(self, command, value=0, data=b"", times=1):
        data += bytes(4)  # done
        frame = struct.pack("<BBHI", 1, command, len(data), value) + data
        os.write(
            self.master, (b"\xc0" + frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0") * times
        )

    def _obey(self, frame):
        direction, command, size, _ = struct.unpack("<BBHI", frame[:8])
        data = frame[8:]
        assert direction == 0 and size == len(data)
        words = struct.unpack(f"<{size // 4}I", data[: size // 4 * 4])
        if command == SYNC:
            assert data == b"\x07\x07\x12\x20" + b"\x55" * 32
            self._answer(SYNC, times=8)
        elif command == READ_REG:
            major, minor = self.revision
            fuses = {BLOCK_1 + 12: (minor & 7) << 18, BLOCK_1 + 20: major << 24 | minor >> 3 << 23}
            self._answer(READ_REG, {**fuses, SPI_DATA: 0x164020}.get(words[0], 0))
        elif command == SECURITY:
            self._answer(SECURITY, data=bytes(12) + struct.pack("<II", CHIP_IDS[self.chip], 3))
        elif command == DATA:
            block = data[16 : 16 + words[0]]
            assert self.flash[self.place : self.place + len(block)] == b"\xff" * len(block), "not erased"
            self.flash[self.place : self.place + len(block)] = block
            self.place += len(block)
            self._answer(DATA)
        elif command == MD5:
            if self.flaw is not None:
                self.flash[self.flaw] ^= 1
            start, size = words[:2]
            self._answer(MD5, data=hashlib.md5(self.flash[start : start + size]).hexdigest().encode())
            self.compared = self.flaw is None
        else:
            assert command in (WRITE_REG, PARAMETERS, ATTACH, BEGIN, END), command
            if command == BEGIN and words[0]:
                sectors = -(-words[0] // SECTOR_BYTES) * SECTOR_BYTES
                self.flash[words[3] : words[3] + sectors] = b"\xff" * sectors
                self.place = words[3]
            self._answer(command)


def usb(device, product=BOARD.application[0]):
    info = ListPortInfo(device)
    info.vid, info.pid, info.location = product.vendor, product.product, "1-2:1.0"
    return info


@pytest.fixture
def wires(monkeypatch, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(LIKE_A_UART)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


@needs.esptool
@needs.portable
def test_what_esptool_wrote_says_hello(model, bus, wires):
    from tinyproof.firmware.build import build

    build(model, BOARD)  # whose watcher the emulator asks for
    with EspLoader(image_path(model, BOARD)) as chip:
        bus[:] = [usb(chip.port)]
        flashed = flash_board(BOARD, model)
        content = (model / BOARD.name / "firmware.bin").read_bytes()
        assert chip.flash[: len(content)] == content
    assert flashed.port == chip.port and (flashed.hello.board, flashed.hello.self_test_failures) == (BOARD.name, 0)


@needs.esptool
@pytest.mark.parametrize(
    "loader, words",
    [
        ({"chip": "ESP32-S3"}, "this is an ESP32-S3, and no esp32c3-bare; nothing was written"),
        ({"revision": (0, 2)}, r"of revision v0.2, .* from v0.3 on it starts this one. `make flash BOARD=esp32c3` "),
        ({"flaw": 4000}, r"esptool could not write \(status [1-9]\); what it says is above. If the board does not"),
        ({"runs_program": True}, "no boot loader of Espressif's answers: hold its BOOT button while you press"),
    ],
    ids=["another chip", "an old one", "a bad cell", "no boot loader"],
)
def test_another_chip_an_old_one_a_bad_one_and_none_are_one_line(model, bus, wires, loader, words, monkeypatch):
    monkeypatch.setattr(flash_esp, "OPTIONS", (*flash_esp.OPTIONS, "--connect-attempts", "1"))
    with EspLoader(**loader) as chip, pytest.raises(UserError, match=words) as refusal:
        flash_board(BOARD, model, port=chip.port)
    assert "\n" not in refusal.value.message
    assert (chip.place > 0) == ("flaw" in loader)


@pytest.mark.parametrize("name", ["esp32c3-bare", "esp32c3-usb"])
def test_each_line_of_the_chip_is_found_by_its_own_ids(bus, name):
    bus[:] = [usb("/dev/ttyUSB0"), usb("/dev/ttyACM0", BOARD.other_socket[0])]
    assert find_port(BOARDS[name]).device == ("/dev/ttyACM0" if name.endswith("usb") else "/dev/ttyUSB0")


def test_what_is_wrong_before_anything_is_written_is_one_line(model, bus, monkeypatch):
    with pytest.raises(UserError, match="no port is an ESP32-C3 without ESP-IDF.*ports there are: none"):
        flash_board(BOARD, model)
    bus[:] = [usb("/dev/ttyUSB0"), usb("/dev/ttyUSB1")]
    with pytest.raises(UserError, match="2 ports could be the .*name one, e.g. PORT=/dev/ttyUSB0"):
        flash_board(BOARD, model)
    bus[:] = [usb("/dev/ttyACM0", BOARD.other_socket[0])]
    with pytest.raises(UserError, match="own USB connector, which this firmware does not use"):
        flash_board(BOARD, model)
    with pytest.raises(UserError, match="there is no port /dev/ttyUSB7"):
        flash_board(BOARD, model, port="/dev/ttyUSB7")
    with pytest.raises(UserError, match="runs compiled alone: leave ENGINE= out"):
        flash_board(BOARD, model, engine="tflm")
    monkeypatch.setattr(flash_esp.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="esptool is not installed: `make flash` installs it"):
        flash_board(BOARD, model)
    assert not (model / BOARD.name).exists()
