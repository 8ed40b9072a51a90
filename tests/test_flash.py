"""Flashing, with everything real but the board and PlatformIO.

The board is the firmware as a process behind a pseudo-terminal, on a USB bus that is a list: it vanishes and comes back
under another name as the real one does. PlatformIO is a script called `pio` that writes down what it was asked.
"""

from __future__ import annotations

import os
import pty
import stat
import termios
import time
import tty
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
from serial.tools.list_ports_common import ListPortInfo

from tinyproof.boards import BOARDS, REAL_BOARDS, Budget
from tinyproof.console import UserError
from tinyproof.firmware.build import build, image_path
from tinyproof.host import flash
from tinyproof.host.emulators import emulator
from tinyproof.manifest import load_manifest, save_manifest

NANO, ESP32 = REAL_BOARDS["nano33ble"], REAL_BOARDS["esp32"]
PIO = """#!/bin/sh
echo "$*" >> "$PIO_LOG"
case "$*" in *"$PIO_FAILS"*) exit 1;; esac
"""


def usb(device, usb_id, place="1-2"):
    info = ListPortInfo(device)
    info.vid, info.pid, info.location = usb_id.vendor, usb_id.product, f"{place}:1.0"
    return info


@pytest.fixture
def pio(monkeypatch, tmp_path):
    """A stand-in for PlatformIO; returns a function that reads the calls it got."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "pio"
    script.write_text(PIO)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    log = tmp_path / "pio.log"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PIO_LOG", str(log))
    monkeypatch.setenv("PIO_FAILS", "nothing")
    return lambda: log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def impatient(monkeypatch):
    for name in ("BOOTLOADER_S", "RETURN_S", "OPEN_S"):
        monkeypatch.setattr(flash, name, 0.3)
    monkeypatch.setattr(flash, "HELLO_S", 1.0)


@pytest.fixture
def firmware(model, stack):
    """(board's name) -> the port of the firmware that calls itself so, with the compiled engine."""

    def run(name):
        board = replace(BOARDS["host"], name=name, defines=(f'BOARD_NAME="{name}"',))
        build(model, board)
        return stack.enter_context(emulator([str(image_path(model, board))])).port

    return run


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def idle_port(stack):
    """A pseudo-terminal nobody answers on: (its name, a function that gives the speed it was last opened at)."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    stack.callback(os.close, master)
    stack.callback(os.close, slave)
    return os.ttyname(slave), lambda: termios.tcgetattr(slave)[5]


@pytest.fixture
def background(stack):
    """(function) -> runs it beside the test; what it raises fails the test."""
    pool = stack.enter_context(ThreadPoolExecutor(1))
    return lambda function: stack.callback(pool.submit(function).result)


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_nano_is_sent_to_its_bootloader_flashed_there_and_found_again(
    model, bus, pio, firmware, idle_port, background
):
    application, speed = idle_port
    port_after = firmware("nano33ble")
    bus[:] = [usb(application, NANO.application[0]), usb("/dev/other", NANO.bootloader[0], place="1-7")]

    def board():
        until(lambda: speed() == termios.B1200)
        assert len(pio()) == 1, "asked for its bootloader before the firmware was built"
        bus[:] = bus[1:]  # gone
        time.sleep(0.2)
        bus.append(usb("/dev/bootloader", NANO.bootloader[0]))
        until(lambda: len(pio()) == 2)
        bus.pop()
        time.sleep(0.2)
        bus.append(usb(port_after, NANO.application[0]))

    background(board)
    hello = flash.flash(NANO, model, "compiled", port=application).hello
    assert (hello.board, hello.model_sha256.hex()) == ("nano33ble", load_manifest(model).model_sha256)
    folder = model / "platformio" / "nano33ble"
    project = f"run --project-dir {folder} --environment nano33ble-compiled"
    assert pio() == [project, f"{project} -t upload --upload-port /dev/bootloader"]
    assert (folder / "platformio.ini").is_file()
    assert {"model.c", "conv2d_s8.c", "golden_vectors.h", "protocol.h"} <= {p.name for p in (folder / "src").iterdir()}


def test_a_nano_that_waits_in_its_bootloader_is_flashed_as_it_is(model, bus, pio, firmware, background):
    bus[:] = [usb("/dev/bootloader", NANO.bootloader[0])]
    port_after = firmware("nano33ble")

    def board():
        until(lambda: len(pio()) == 2)
        bus[:] = [usb(port_after, NANO.application[0])]

    background(board)
    assert flash.flash(NANO, model, "compiled").hello.board == "nano33ble"
    assert pio()[1].endswith("--upload-port /dev/bootloader")


def test_an_esp32_is_flashed_through_its_one_port_from_its_own_folder(model, bus, pio, firmware):
    port = firmware("esp32")
    bus[:] = [usb(port, ESP32.application[0])]
    assert flash.flash(ESP32, model, "compiled").hello.board == "esp32"
    project = f"run --project-dir {model / 'platformio' / 'esp32'} --environment esp32-compiled"
    assert pio() == [project, f"{project} -t upload --upload-port {port}"]


def test_a_board_without_bootloader_port_ends_in_what_to_press(model, bus, pio, idle_port, impatient):
    bus[:] = [usb(idle_port[0], NANO.application[0]), usb("/dev/other", NANO.bootloader[0], place="1-7")]
    with pytest.raises(UserError, match="no bootloader appeared in 0.3 s; press its reset button twice"):
        flash.flash(NANO, model, "compiled", port=idle_port[0])
    assert len(pio()) == 1, "uploaded to somebody else's board"


def test_a_board_that_does_not_come_back_ends_in_what_to_press(model, bus, pio, impatient):
    bus[:] = [usb("/dev/bootloader", NANO.bootloader[0])]
    with pytest.raises(UserError, match="did not come back in 0.3 s: press its reset button once"):
        flash.flash(NANO, model, "compiled")


def test_a_silent_board_ends_in_what_to_press(model, bus, pio, idle_port, impatient):
    bus[:] = [usb(idle_port[0], ESP32.application[0])]
    with pytest.raises(UserError, match="no answer in 1 s.*hold its BOOT button"):
        flash.flash(ESP32, model, "compiled")


def test_a_port_that_may_not_be_opened_yet_is_tried_again(model, bus, pio, firmware, monkeypatch, tmp_path, background):
    port = firmware("esp32")
    link = tmp_path / "ttyUSB0"
    bus[:] = [usb(str(link), ESP32.application[0])]
    background(lambda: (until(lambda: len(pio()) == 2), time.sleep(0.3), link.symlink_to(port)))
    assert flash.flash(ESP32, model, "compiled").hello.board == "esp32"


def test_another_board_that_answers_is_not_taken_for_the_one_that_was_flashed(model, bus, pio, firmware):
    bus[:] = [usb(firmware("esp32c3"), ESP32.application[0])]
    with pytest.raises(UserError, match="esp32c3 with the engine compiled answered, not the esp32"):
        flash.flash(ESP32, model, "compiled")


def test_another_model_that_answers_is_not_taken_for_the_one_that_was_flashed(model, bus, pio, firmware):
    bus[:] = [usb(firmware("esp32"), ESP32.application[0])]
    save_manifest(model, replace(load_manifest(model), model_sha256="0" * 64))
    with pytest.raises(UserError, match="runs model .*, not 000000000000"):
        flash.flash(ESP32, model, "compiled")


@pytest.mark.parametrize(
    "fails, calls, words", [("run", 1, "could not build esp32-compiled"), ("upload", 2, "could not upload to esp32")]
)
def test_a_failure_of_platformio_stops_in_one_line(model, bus, pio, monkeypatch, fails, calls, words):
    monkeypatch.setenv("PIO_FAILS", fails)
    bus[:] = [usb("/dev/ttyUSB0", ESP32.application[0])]
    with pytest.raises(UserError, match=words) as refusal:
        flash.flash(ESP32, model, "compiled")
    assert "\n" not in refusal.value.message
    assert len(pio()) == calls


def test_missing_platformio_is_said_with_how_to_install_it(model, bus, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(flash.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UserError, match="`make flash` installs it, or run `pip install"):
        flash.flash(ESP32, model)


@pytest.mark.parametrize(
    "budget, words",
    [
        (
            Budget("tiny", 10_000, 1_000_000),
            "does not fit the tiny: .* its 10,000 of flash; heaviest: op 5 FULLY",
        ),
        (
            Budget("tiny", 1_000_000, 1_000),
            "does not fit the tiny: .* its 1,000 of RAM; heaviest: op 0 CONV_2D",
        ),
    ],
)
@pytest.mark.parametrize("engine", ["tflm", "compiled"])
def test_what_cannot_fit_is_refused_before_anything_is_built(model, bus, pio, budget, words, engine):
    with pytest.raises(UserError, match=words):
        flash.flash(replace(NANO, budget=budget), model, engine)
    assert pio() == []


def test_an_unknown_engine_is_refused(model):
    with pytest.raises(UserError, match="unknown engine 'onnx'; known: tflm, compiled"):
        flash.flash(NANO, model, "onnx")
