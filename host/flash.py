"""Puts the firmware on a real board: build, upload, wait until the board is back, and hear from it which model it runs.

PlatformIO builds and uploads (flashing.py knows which boards do without it). Finding the board, sending
it into its bootloader and finding it again is done here: by USB ids and the place on the bus, in bounded time, with a
line that says what to do when the board does not react.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import CABLE_BOARDS, Board
from tinyproof.console import UserError, console
from tinyproof.environment import run_along
from tinyproof.firmware.sizes import check_model, print_budget
from tinyproof.firmware.sketch import check_engine, platformio_project
from tinyproof.host.device import Device, DeviceError
from tinyproof.host.ports import SerialPort, check_there, find_port, named_port, scan
from tinyproof.host.station import check_identity
from tinyproof.host.transport import Transport, open_port
from tinyproof.line import BAUD
from tinyproof.manifest import Manifest, load_manifest
from tinyproof.protocol import HelloReply

TOUCH_BAUD = 1200  # opening the port at this speed and closing it asks an Arduino board for its bootloader
BOOTLOADER_S = 10.0  # for the bootloader's port to appear
RETURN_S = 15.0  # for the application's port to appear again
OPEN_S = 5.0  # a port is there before its permissions are
HELLO_S = 20.0  # to start up and run the self-test
SCAN_INTERVAL_S = 0.1


@dataclass(frozen=True)
class Flashed:
    """A board that was flashed: the port that its program talks on, and what that says of itself."""

    port: str
    hello: HelloReply


def flash(board: Board, model: Path, engine: str | None = None, port: str | None = None) -> Flashed:
    """Build the firmware of `board` for the model exported to `model`, upload it, and hear from it.

    Without `port` it is found by USB ids. Raises UserError when the model does not fit, PlatformIO is missing or fails,
    or the board is not found, does not come back, or says hello with anything but this model.
    """
    if not board.application:
        raise UserError(f"board {board.name} is not on a USB cable; those that are: {', '.join(CABLE_BOARDS)}")
    manifest = load_manifest(model)
    engine = check_engine(board, engine, model, manifest)
    check_fits(manifest, board, engine)
    platformio = find_platformio()
    here = named_port(port) if port else find_port(board, bootloader_too=True)
    check_there(here)
    console.print(f"{board.title} on {here}")

    environment = f"{board.name}-{engine}"
    project = platformio_project(board, model, engine)
    console.print(f"Building {environment}; the first time, PlatformIO downloads a compiler and libraries")
    _run(platformio, project, environment)

    upload_port = enter_bootloader(board, here) if board.bootloader else here
    console.print(f"Uploading through {upload_port.device}")
    _run(platformio, project, environment, board.recovery, "-t", "upload", "--upload-port", upload_port.device)

    back = wait_for_return(board, here) if board.bootloader else here
    return report_hello(board, back, manifest, engine)


def report_hello(board: Board, back: SerialPort, manifest: Manifest, engine: str) -> Flashed:
    """Hear from a board that was just flashed, and say what it said. UserError."""
    hello = say_hello(board, back, manifest, engine)
    console.print(
        f"{back.device}: {hello.board}, {hello.engine}, model {hello.model_sha256.hex()[:12]}, self-test "
        f"{hello.self_test_vectors - hello.self_test_failures} of {hello.self_test_vectors} passed"
    )
    return Flashed(back.device, hello)


def check_fits(manifest: Manifest, board: Board, engine: str) -> None:
    """Print what model and arena take of the board's memory, and refuse, before minutes of compiling, what cannot fit
    whatever the code's size (PlatformIO prints and checks the whole after the link). Raises UserError.
    """
    budget = board.budget
    if budget is None:
        return
    if engine == "tflm":
        what, model_bytes, arena_bytes = "its .tflite", manifest.tflite_bytes, manifest.tflm_arena_bytes
    else:
        compiled = manifest.compiled_for(board.core)
        what, model_bytes, arena_bytes = "its weights", compiled.weight_bytes, compiled.arena_bytes
    flash_bytes = model_bytes + manifest.golden_count * (manifest.input_bytes + manifest.output_bytes)
    ram_bytes = arena_bytes + manifest.input_bytes
    print_budget("Memory before compiling: the model alone", flash_bytes, ram_bytes, budget)
    check_model(manifest, board, engine, "flash", f"{what} and the self-test's vectors", flash_bytes)
    check_model(manifest, board, engine, "RAM", "its arena and one input", ram_bytes)


def find_platformio() -> str:
    """The `pio` command. Raises UserError that says how to install it."""
    beside = Path(sys.executable).parent / "pio"
    command = shutil.which("pio") or shutil.which("platformio") or (str(beside) if beside.is_file() else None)
    if command is None:
        raise UserError(
            "PlatformIO is not installed: `make flash` installs it, or run `pip install 'tinyproof[boards]'`"
        )
    return command


def enter_bootloader(board: Board, here: SerialPort) -> SerialPort:
    """The port of the board's bootloader, after asking the running program for it if need be."""
    if here.has(board.bootloader):
        return here
    console.print(f"Asking {here.device} for its bootloader")
    open_port(here.device, TOUCH_BAUD).close()
    found = wait_for_port(lambda port: port.has(board.bootloader) and port.is_same_board(here), BOOTLOADER_S)
    if found is None:
        raise UserError(f"{here.device}: no bootloader appeared in {BOOTLOADER_S:g} s; {board.recovery}")
    return found


def wait_for_return(board: Board, before: SerialPort) -> SerialPort:
    """The port of the board once its program runs again; the name may be another than `before`."""
    console.print("Waiting for the board to come back")
    found = wait_for_port(lambda port: port.has(board.application) and port.is_same_board(before), RETURN_S)
    if found is None:
        raise UserError(
            f"the {board.title} was uploaded to and did not come back in {RETURN_S:g} s: press its reset button once, "
            f"then try `{advice.command('hello', board=board.name)}`; if it stays away, {board.recovery}"
        )
    return found


def say_hello(board: Board, port: SerialPort, manifest: Manifest, engine: str) -> HelloReply:
    """The board's HELLO, checked: this board, this engine, this model, unharmed. Raises UserError."""
    try:
        with _open(port.device) as transport:
            hello = Device(transport).hello(HELLO_S)
    except DeviceError as error:
        raise DeviceError(f"{error}; or {board.recovery}") from error
    if (hello.board, hello.engine) != (board.name, engine):
        raise DeviceError(
            f"{port.device}: {hello.board} with the engine {hello.engine} answered, not the {board.name} with {engine} "
            "that was uploaded; is it another board?"
        )
    check_identity(hello, manifest, port.device)
    return hello


def _run(platformio: str, project: Path, environment: str, recovery: str = "", *arguments: str) -> None:
    """PlatformIO on this terminal, so that its own progress shows. Raises UserError unless it succeeds."""
    settings = {"PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    command = [platformio, "run", "--project-dir", str(project), "--environment", environment, *arguments]
    status = run_along(command, settings)
    if status != 0:
        step = "upload to" if arguments else "build"
        raise UserError(
            f"PlatformIO could not {step} {environment} (status {status}); what it says is above. "
            + (
                f"If the board does not react, {recovery}"
                if recovery
                else f"`{advice.command('doctor')}` checks the tools"
            )
        )


def wait_for_port(accept: Callable[[SerialPort], bool], seconds: float) -> SerialPort | None:
    """The first port that `accept` takes, or None when none came in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for port in scan():
            if accept(port):
                return port
        time.sleep(SCAN_INTERVAL_S)
    return None


def _open(device: str) -> Transport:
    """The open line, as soon as the system allows it."""
    deadline = time.monotonic() + OPEN_S
    while True:
        try:
            return Transport(device, BAUD)
        except UserError:
            if time.monotonic() > deadline:
                raise
            time.sleep(SCAN_INTERVAL_S)
