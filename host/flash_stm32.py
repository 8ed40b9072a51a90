"""Puts the firmware on a chip with ST's boot loader in its ROM, and hears from it which model it runs.

The loader waits where BOOT0 was high at the reset: on USB, where dfu-util finds it, and on the UART that the firmware
talks through, where stm32loader does. A port that the user names goes first, then the chip on USB, then the one adapter
there is.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError, console
from tinyproof.environment import run_along, run_module
from tinyproof.firmware.stage import build_to_flash
from tinyproof.host.flash import Flashed, report_hello
from tinyproof.host.ports import SerialPort, candidates, check_there, listed, named_port, scan
from tinyproof.host.transport import open_port
from tinyproof.line import BAUD
from tinyproof.manifest import load_manifest

ENGINE = "compiled"
LOADER = "stm32loader"  # from PyPI
DFU = "dfu-util"
DFU_ID = "0483:df11"
LEFT_EARLY = 74  # dfu-util's status where the chip began the program before it had answered: HELLO says whether it did
FOUND = re.compile(rf'^Found DFU: \[{DFU_ID}\].*?(?:path="([^"]*)", )?alt=0, name="@([^"]*)"', re.MULTILINE)
CHIP = re.compile(r"^Chip id: (0x[0-9A-F]+) \((.*)\)$", re.MULTILINE)
WAITING = "connect its BOOT0 to 3.3 V and press its reset button"
WIRES = "the adapter's RX to PA9, its TX to PA10, its GND to the chip's"


@dataclass(frozen=True)
class UsbChip:
    """A chip whose boot loader waits on USB: where on the bus, empty if not said, and its flash as dfu-util has it."""

    path: str
    flash: str


def flash_stm32(board: Board, model: Path, engine: str | None = None, port: str | None = None) -> Flashed:
    """Build the firmware of `board` for the model exported to `model`, write it, and hear from it.

    Raises UserError when it does not fit, nothing waits for a program, another chip does, or it is not heard.
    """
    if engine not in (None, ENGINE):
        raise UserError(f"board {board.name} runs {ENGINE} alone: leave {advice.setting('engine')} out")
    manifest = load_manifest(model)
    here = find_chip(board, port)
    console.print(f"{board.name} on {f'USB {here.path}' if isinstance(here, UsbChip) else here}", markup=False)
    build_to_flash(model, board)
    content = model / board.name / "firmware.bin"
    if isinstance(here, UsbChip):
        write_over_usb(board, here, content)
        line = _line_to_hear(board)
    else:
        write_over_uart(board, here.device, content)
        line = here
    return report_hello(board, line, manifest, ENGINE)


def find_chip(board: Board, port: str | None) -> SerialPort | UsbChip:
    """What to write through. UserError in one line where there is nothing, too much, or another chip."""
    if port:
        check_there(named_port(port))
        return named_port(port)
    chips = usb_chips()
    if len(chips) > 1:
        paths = ", ".join(chip.path for chip in chips)
        raise UserError(f"{len(chips)} chips wait for a program on USB ({paths}): leave one of them plugged in")
    if chips:
        _check_flash(board, chips[0])
        return chips[0]
    if adapters := candidates(board, scan()):
        return _only(board, adapters)
    by_usb = "" if shutil.which(DFU) else f" ({DFU} is not installed: on Debian or Ubuntu `sudo apt-get install {DFU}`)"
    raise UserError(
        f"no {board.name} waits for a program: {WAITING}; then plug it in on USB{by_usb}, or through a USB-to-serial "
        f"adapter ({WIRES}). Ports there are: {listed(scan()) or 'none'}; {advice.setting('port')} names another one"
    )


def usb_chips() -> list[UsbChip]:
    """The chips that dfu-util finds waiting; none where it is not installed. UserError where this user may not look."""
    if not shutil.which(DFU):
        return []
    result = subprocess.run([DFU, "--list"], capture_output=True, text=True, errors="replace")
    chips = [UsbChip(path, flash) for path, flash in FOUND.findall(result.stdout)]
    if not chips and f"Cannot open DFU device {DFU_ID}" in result.stderr:
        vendor, product = DFU_ID.split(":")
        raise UserError(
            f"this user may not open the chip {DFU_ID} on USB: add a udev rule, "
            f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}", TAG+="uaccess", and plug it in again'
        )
    return chips


def write_over_usb(board: Board, chip: UsbChip, content: Path) -> None:
    """Write the flash and start the program. UserError."""
    assert board.st_loader is not None
    start = f"{board.st_loader.flash_base:#010x}:leave"
    path = ["--path", chip.path] if chip.path else []
    command = [DFU, "--device", DFU_ID, *path, "--alt", "0", "--dfuse-address", start, "--download", str(content)]
    status = run_along(command, {})
    if status not in (0, LEFT_EARLY):
        raise UserError(f"{DFU} could not write (status {status}); what it says is above. Once more: {WAITING}")


def write_over_uart(board: Board, device: str, content: Path) -> None:
    """See which chip it is, erase its flash, write it, read it back and start the program. UserError."""
    assert board.st_loader is not None
    if importlib.util.find_spec(LOADER) is None:
        raise UserError(
            f"{LOADER} is not installed: `make flash` installs it, or run `pip install 'tinyproof[boards]'`"
        )
    open_port(device, BAUD).close()  # says better than others why it cannot be opened
    loader = [*run_module(LOADER), "--port", device]
    asked = subprocess.run(loader, capture_output=True, text=True, errors="replace")
    found = CHIP.search(asked.stderr)
    if found is None:
        raise UserError(
            f"{device}: no boot loader of ST's answers: {WAITING}, check the wires ({WIRES}), then try again"
        )
    if int(found[1], 16) != board.st_loader.chip:
        raise UserError(f"{device}: this is chip {found[1]}, {found[2]}, and no {board.name}; nothing was written")
    start = f"{board.st_loader.flash_base:#010x}"
    status = run_along([*loader, "--erase", "--write", "--verify", "--go-address", start, str(content)], {})
    if status != 0:
        raise UserError(f"{LOADER} could not write (status {status}); what it says is above. Once more: {WAITING}")


def _check_flash(board: Board, chip: UsbChip) -> None:
    """Refuse a chip with other sectors, which is another chip."""
    assert board.st_loader is not None
    base, _, layout = chip.flash.partition("/")[2].partition("/")
    if (int(base or "0", 0), layout) != (board.st_loader.flash_base, board.st_loader.layout):
        raise UserError(f"the chip on USB {chip.path} has another flash than {board.name}: {chip.flash.strip()}")


def _only(board: Board, adapters: list[SerialPort]) -> SerialPort:
    if len(adapters) > 1:
        raise UserError(
            f"{len(adapters)} ports could lead to the {board.name}: {listed(adapters)}; name one, e.g. "
            f"{advice.setting('port', adapters[0].device)}"
        )
    return adapters[0]


def _line_to_hear(board: Board) -> SerialPort:
    adapters = candidates(board, scan())
    if not adapters:
        raise UserError(
            f"written, and not heard: the firmware talks through a USB-to-serial adapter, and none is plugged in "
            f"({WIRES}); with one, `{advice.command('hello', board=board.name, port='...')}` asks it"
        )
    return _only(board, adapters)
