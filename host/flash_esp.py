"""Puts the firmware on a chip of Espressif's that starts it by itself, and hears from it which model it runs.

esptool speaks with the boot loader in the chip's ROM, over the line that the firmware uses afterwards. It gets the chip
there by the line's DTR and RTS, where an adapter has them wired; elsewhere the board's buttons do.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

from tinyproof import advice
from tinyproof.board import EspLoader
from tinyproof.boards import Board
from tinyproof.console import UserError, console
from tinyproof.environment import run_along, run_module
from tinyproof.firmware.stage import build_to_flash
from tinyproof.host.flash import Flashed, report_hello, wait_for_return
from tinyproof.host.ports import check_there, find_port, named_port
from tinyproof.host.transport import open_port
from tinyproof.line import BAUD
from tinyproof.manifest import load_manifest

LOADER = "esptool"  # from PyPI
# Through the ROM's own loader: esptool would otherwise load one of its own into RAM first, which is faster.
OPTIONS = ("--no-stub", "--before", "default-reset")
CHIP = re.compile(r"^Chip type: +(\S+).*\(revision v(\d+)\.(\d+)\)$", re.MULTILINE)


def flash_esp(board: Board, model: Path, engine: str | None = None, port: str | None = None) -> Flashed:
    """Build the firmware of `board` for the model exported to `model`, write it, and hear from it.

    Raises UserError when it does not fit, no chip answers, another chip does, or it is not heard.
    """
    if engine not in (None, board.engine):
        raise UserError(f"board {board.name} runs {board.engine} alone: leave {advice.setting('engine')} out")
    manifest = load_manifest(model)
    require_esptool()
    here = named_port(port) if port else find_port(board)
    check_there(here)
    console.print(f"{board.name} on {here}", markup=False)
    build_to_flash(model, board)
    write(board, here.device, model / board.name / "firmware.bin")
    # The chip's own USB may go away with the reset, and come back under another name.
    back = wait_for_return(board, here) if here.has(board.application) else here
    return report_hello(board, back, manifest, board.engine)


def require_esptool() -> None:
    """Raise UserError where it is not installed."""
    if importlib.util.find_spec(LOADER) is None:
        raise UserError(
            f"{LOADER} is not installed: `make flash` installs it, or run `pip install 'tinyproof[boards]'`"
        )


def write(board: Board, device: str, content: Path) -> None:
    """See which chip it is, write its flash from the beginning, compare, and start the program. UserError."""
    assert board.esp_loader is not None
    open_port(device, BAUD).close()  # says better than others why it cannot be opened
    esptool = [*run_module(LOADER), "--port", device, *OPTIONS]
    asked = subprocess.run(
        [*esptool, "--after", "no-reset", "chip-id"], capture_output=True, text=True, errors="replace"
    )
    _check_chip(board, board.esp_loader, device, asked.stdout)
    console.print(f"Writing {content.stat().st_size:,} bytes through {device}", markup=False)
    status = run_along([*esptool, "--chip", "esp32c3", "write-flash", "0x0", str(content)], {})
    if status != 0:
        raise UserError(
            f"{LOADER} could not write (status {status}); what it says is above. If the board does not react, "
            f"{board.recovery}"
        )


def _check_chip(board: Board, wanted: EspLoader, device: str, said: str) -> None:
    """Refuse a chip that is none, another one, or too old to start the image."""
    found = CHIP.search(said)
    if found is None:
        raise UserError(f"{device}: no boot loader of Espressif's answers: {board.recovery}")
    name, revision = found[1], (int(found[2]), int(found[3]))
    if name != wanted.chip:
        raise UserError(f"{device}: this is an {name}, and no {board.name}; nothing was written")
    if revision < wanted.revision:
        raise UserError(
            f"{device}: this {name} is of revision v{found[2]}.{found[3]}, whose ROM starts programs of ESP-IDF only; "
            f"from v{'.'.join(map(str, wanted.revision))} on it starts this one. "
            f"`{advice.command('flash', board='esp32c3')}` goes that way; nothing was written"
        )
