"""Puts a firmware of ours behind Arduino's boot loader, and hears from it which model it runs.

The loader is on the board's USB; the firmware talks through a USB-to-serial adapter. A board whose USB shows a program
of Arduino's is asked for its loader; one that runs ours has no USB, and is sent there by its button.
"""

from __future__ import annotations

from pathlib import Path

import serial
from rich.progress import Progress

from tinyproof import advice
from tinyproof.board import ArduinoBoot
from tinyproof.boards import Board
from tinyproof.console import UserError, console
from tinyproof.firmware.stage import build_to_flash
from tinyproof.host.arduino_loader import ArduinoLoader, LoaderError
from tinyproof.host.flash import Flashed, enter_bootloader, report_hello
from tinyproof.host.ports import SerialPort, candidates, check_there, listed, named_port, scan
from tinyproof.host.transport import open_port
from tinyproof.line import BAUD
from tinyproof.manifest import load_manifest


def flash_arduino(board: Board, model: Path, engine: str | None = None, port: str | None = None) -> Flashed:
    """Build the firmware of `board` for the model exported to `model`, write it, and hear from it.

    `port` is that of the adapter, or of the board's USB where there are several. Raises UserError when it does not fit,
    no board waits for a program, another chip does, or it is not heard.
    """
    assert board.arduino_boot is not None
    if engine not in (None, board.engine):
        raise UserError(f"board {board.name} runs {board.engine} alone: leave {advice.setting('engine')} out")
    manifest = load_manifest(model)
    named = named_port(port) if port else None
    if named:
        check_there(named)
    is_usb = named is not None and named.has((*board.bootloader, *board.arduino_boot.programs))
    here = named if named and is_usb else _find_usb(board, board.arduino_boot)
    console.print(f"{board.name} on {here}", markup=False)
    build_to_flash(model, board)
    here = enter_bootloader(board, here)
    write(board, board.arduino_boot, here, (model / board.name / "firmware.bin").read_bytes())
    return report_hello(board, named if named and not is_usb else _adapter(board), manifest, board.engine)


def write(board: Board, boot: ArduinoBoot, here: SerialPort, content: bytes) -> None:
    """See which chip it is, write its flash, compare, and start the program. UserError."""
    try:
        with open_port(here.device, BAUD, dtr=True) as port, Progress(console=console, transient=True) as progress:
            loader = ArduinoLoader(port)
            if (chip := loader.chip()) != boot.chip:
                raise UserError(f"{here.device}: this is an {chip}, and no {board.name}; nothing was written")
            task = progress.add_task(f"Writing {len(content):,} bytes through {here.device}", total=len(content))
            loader.write(content, lambda size: progress.update(task, completed=size))
            loader.start()
    except LoaderError as error:
        raise LoaderError(f"{error}: {board.recovery}") from error
    except (serial.SerialException, OSError) as error:
        raise UserError(f"{here.device} went away while it was written to ({error}): {board.recovery}") from error
    console.print(f"{len(content):,} bytes written through {here.device}, and compared", markup=False)


def _find_usb(board: Board, boot: ArduinoBoot) -> SerialPort:
    """The port of a board in its loader, or else of one that can be asked for it."""
    ports = scan()
    for found in ([port for port in ports if port.has(ids)] for ids in (board.bootloader, boot.programs)):
        if len(found) > 1:
            raise UserError(
                f"{len(found)} ports could be the {board.name}: {listed(found)}; name one, e.g. "
                f"{advice.setting('port', found[0].device)}"
            )
        if found:
            return found[0]
    raise UserError(
        f"no {board.name} waits for a program: plug it in by its USB, and {board.recovery}. Ports there are: "
        f"{listed(ports) or 'none'}"
    )


def _adapter(board: Board) -> SerialPort:
    adapters = candidates(board, scan())
    if len(adapters) != 1:
        there = listed(adapters) or "none"
        raise UserError(
            "written, and not heard: the firmware talks through a USB-to-serial adapter, and of those there are: "
            f"{there}; `{advice.command('hello', board=board.name, port='...')}` asks it through the one that is named"
        )
    return adapters[0]
