"""Flashing over the drive of a boot ROM. The drive is a folder, the bus a list of ports, the board the emulated one."""

from __future__ import annotations

import errno
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.firmware.build import UF2_FILE, build, image_path
from tinyproof.host import drive_flash, flash, ports, uf2_drive
from tinyproof.host.connection import start
from tinyproof.host.flashing import flash_board
from tinyproof.host.uf2_drive import INFO_FILE, Drive, copy, find_drive, find_drives
from tinyproof.manifest import load_manifest

PICO = BOARDS["pico"]
INFO = "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n"  # what the boot ROM's drive says
OTHER = "UF2 Bootloader v3.16.0\nModel: Feather M4\nBoard-ID: SAMD51J19A-Feather-v0\n"


def usb(device, vendor, product, place="1-2:1.0", description="n/a"):
    info = ListPortInfo(device)
    info.vid, info.pid, info.location, info.description = vendor, product, place, description
    return info


# As pyserial lists them on Linux, macOS and Windows.
PICO_PORTS = [
    usb("/dev/ttyACM0", 0x2E8A, 0x000A, "1-2:1.0", "Pico, RP2040 - Board CDC"),
    usb("/dev/cu.usbmodem14201", 0x2E8A, 0x000A, "20-2", "Pico, RP2040"),
    usb("COM7", 0x2E8A, 0x000A, "1-2:x.0", "USB Serial Device (COM7)"),
]
NANO_PORT = usb("/dev/ttyACM9", 0x2341, 0x805A, "1-5:1.0", "Arduino Nano 33 BLE")


@pytest.fixture
def volumes(monkeypatch, tmp_path):
    """(name, text of its INFO_UF2.TXT) -> a mounted volume. Linux's table of mounts is a file, as it is there."""
    mounts = tmp_path / "mounts"
    mounts.write_text("proc /proc proc rw 0 0\n")
    monkeypatch.setattr(uf2_drive, "MOUNTS", mounts)
    monkeypatch.setattr(uf2_drive, "LABELS", tmp_path / "by-label")
    monkeypatch.setattr(uf2_drive.sys, "platform", "linux")

    def mount(name, text=INFO):
        folder = tmp_path / name
        folder.mkdir()
        if text:
            (folder / INFO_FILE).write_text(text)
        with mounts.open("a") as file:
            file.write(f"/dev/sdb1 {str(folder).replace(' ', chr(92) + '040')} vfat rw,nosuid 0 0\n")
        return folder

    return mount


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(flash, "RETURN_S", 0.3)
    monkeypatch.setattr(drive_flash, "DRIVE_S", 0.3)


@pytest.mark.parametrize("port", PICO_PORTS, ids=lambda port: port.device)
def test_the_running_program_is_found_by_its_usb_ids_among_others(bus, port):
    bus[:] = [NANO_PORT, port]
    assert ports.find_port(PICO).device == port.device
    assert ports.wants_dtr(port.device) and ports.boards_behind(ports.find_port(PICO)) == ["pico"]


def test_the_drive_is_the_volume_that_says_so(volumes):
    volumes("CIRCUITPY", "")
    volumes("FEATHERBOOT", OTHER)
    folder = volumes("my RPI-RP2")
    assert find_drive(PICO) == Drive(folder, "RPI-RP2") and len(find_drives()) == 2
    volumes("RPI-RP2 1")
    with pytest.raises(UserError, match="2 boards wait for a program, at .*: unplug all but one"):
        find_drive(PICO)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_drives_are_looked_for_where_each_system_has_them(monkeypatch, tmp_path, platform):
    folder = tmp_path / "RPI-RP2"
    folder.mkdir()
    (folder / INFO_FILE).write_text(INFO)
    monkeypatch.setattr(uf2_drive.sys, "platform", platform)
    monkeypatch.setattr(uf2_drive, "MAC_VOLUMES", tmp_path)
    monkeypatch.setattr(uf2_drive, "WINDOWS_VOLUMES", [tmp_path / "none", folder])
    assert find_drives() == [Drive(folder, "RPI-RP2")]


def break_drive(monkeypatch, room, code):
    """Have files that are opened for writing take so many bytes and then fail."""
    really = Path.open

    def breaking(path, mode="r", **how):
        file = really(path, mode, **how)
        if mode != "wb":
            return file
        breaks = MagicMock(wraps=file)
        breaks.__enter__.return_value = breaks

        def write(data):
            if file.tell() + len(data) > room:
                raise OSError(code, "as it is")
            return file.write(data)

        breaks.write = write
        return breaks

    monkeypatch.setattr(Path, "open", breaking)


def unmounted(tmp_path):
    (tmp_path / "by-label").mkdir()
    (tmp_path / "by-label" / "RPI-RP2").touch()


@pytest.mark.parametrize(
    "prepare, words",
    [
        (
            lambda volumes, path: None,
            "no Raspberry Pi Pico waits for a program.*hold its BOOTSEL button",
        ),
        (
            lambda volumes, path: volumes("FEATHERBOOT", OTHER),
            "FEATHERBOOT is a SAMD51J19A-Feather-v0's: is",
        ),
        (lambda volumes, path: unmounted(path), "not mounted: run `udisksctl mount -b .*RPI-RP2`"),
    ],
)
def test_without_a_drive_one_line_says_what_to_do_and_nothing_is_built(model, bus, volumes, tmp_path, prepare, words):
    prepare(volumes, tmp_path)
    with pytest.raises(UserError, match=words) as refusal:
        flash_board(PICO, model)
    assert "\n" not in refusal.value.message and not (model / "pico").exists()


def test_the_engine_is_the_compiled_one(model, bus, volumes):
    with pytest.raises(UserError, match="runs the engine compiled alone: leave ENGINE out"):
        flash_board(PICO, model, "tflm")


@pytest.mark.parametrize(
    "code, words",
    [
        (errno.ENOSPC, "is full after 65,536 of 150,000 bytes"),
        (errno.EIO, "vanished after 65,536 of 150,000 bytes .*plug the board in again"),
        (errno.EROFS, "may not be written"),
    ],
)
def test_a_drive_that_is_full_or_vanishes_or_is_locked_is_one_line(volumes, tmp_path, monkeypatch, code, words):
    drive = Drive(volumes("RPI-RP2"), "RPI-RP2")
    image = tmp_path / UF2_FILE
    image.write_bytes(bytes(150_000))
    break_drive(monkeypatch, 100_000, code)
    with pytest.raises(UserError, match=words) as refusal:
        copy(image, drive)
    assert "\n" not in refusal.value.message


def test_a_drive_without_room_is_one_line(volumes, tmp_path):
    drive = Drive(volumes("RPI-RP2"), "RPI-RP2")
    image = tmp_path / UF2_FILE
    image.write_bytes(bytes(1000))
    (drive.folder / UF2_FILE).symlink_to("/dev/full")
    with pytest.raises(UserError, match="is full after 0 of 1,000 bytes"):
        copy(image, drive)


def test_a_drive_that_goes_with_the_last_byte_took_all(volumes, tmp_path, monkeypatch):
    drive = Drive(volumes("RPI-RP2"), "RPI-RP2")
    image = tmp_path / UF2_FILE
    image.write_bytes(bytes(1000))

    def fsync(_):
        (drive.folder / INFO_FILE).unlink()
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(uf2_drive.os, "fsync", fsync)
    copy(image, drive)
    assert (drive.folder / UF2_FILE).read_bytes() == image.read_bytes()


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("running", [False, True], ids=["waiting for a program", "running one"])
def test_a_pico_is_copied_to_and_heard_from(model, bus, volumes, running, monkeypatch):
    """The board starts what was copied: the emulated Pico, which comes back as a new port."""
    touched, uf2 = [], image_path(model, PICO).with_name(UF2_FILE)
    monkeypatch.setattr(drive_flash, "open_port", lambda device, baud: touched.append((device, baud)) or MagicMock())
    bus[:] = [usb("/dev/ttyACM0", 0x2E8A, 0x000A)] if running else [usb("/dev/ttyACM3", 0x2E8A, 0x000A, "1-7:1.0")]
    folder = None if running else volumes("RPI-RP2")
    with ExitStack() as stack:

        def board():
            nonlocal folder
            if running:
                until(lambda: touched)
                bus.clear()
                folder = volumes("RPI-RP2")
            copied = folder / UF2_FILE
            until(lambda: copied.is_file() and copied.read_bytes() == uf2.read_bytes())
            bus.append(usb(stack.enter_context(start(model, PICO)).port, 0x2E8A, 0x000A))

        thread = threading.Thread(target=board)
        thread.start()
        hello = flash_board(PICO, model).hello
        thread.join()
    assert (hello.board, hello.model_sha256.hex()) == ("pico", load_manifest(model).model_sha256)
    assert touched == ([("/dev/ttyACM0", 1200)] if running else [])


def test_a_board_that_does_not_come_back_is_one_line_that_says_what_to_do(model, bus, volumes, impatient):
    build(model, PICO)
    volumes("RPI-RP2")
    with pytest.raises(UserError, match="did not come back in 0.3 s: plug it in again") as refusal:
        flash_board(PICO, model)
    assert "\n" not in refusal.value.message


def test_a_program_that_offers_no_drive_is_one_line(model, bus, volumes, impatient, monkeypatch):
    monkeypatch.setattr(drive_flash, "open_port", lambda device, baud: MagicMock())
    bus[:] = [PICO_PORTS[0]]
    with pytest.raises(UserError, match="/dev/ttyACM0: no drive RPI-RP2 appeared in 0.3 s.*BOOTSEL"):
        flash_board(PICO, model)
