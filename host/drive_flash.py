"""Flashing a board whose boot ROM offers a drive: build, find the drive, copy the UF2 file, wait for port and HELLO.

A board whose program can be asked for its boot loader is asked: by its port, opened at 1200 baud and closed again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tinyproof import advice
from tinyproof.boards import Board
from tinyproof.console import UserError, console
from tinyproof.firmware.build import UF2_FILE, image_path
from tinyproof.firmware.stage import build_to_flash
from tinyproof.host import flash
from tinyproof.host.ports import SerialPort, candidates, check_there, find_port, named_port, scan
from tinyproof.host.transport import open_port
from tinyproof.host.uf2_drive import Drive, copy, find_drive, no_drive
from tinyproof.manifest import load_manifest

DRIVE_S = 20.0  # from the request until the drive is mounted


def flash_drive(board: Board, model: Path, engine: str | None = None, port: str | None = None) -> flash.Flashed:
    """Build, copy, and hear from the board.

    `port` is that of its program, by which it may be asked for its drive. Raises UserError when the image does not fit,
    there is no drive, or it is full or vanishes, and when the board does not come back with this model.
    """
    if engine not in (None, board.engine):
        raise UserError(
            f"board {board.name} runs the engine {board.engine} alone: leave {advice.name_of('engine')} out"
        )
    here = named_port(port) if port else None
    if here:
        check_there(here)
    drive = find_drive(board)
    if drive is None and here is None and not candidates(board, scan()):
        raise UserError(no_drive(board))
    build_to_flash(model, board)
    manifest = load_manifest(model)
    drive = drive or _ask_for_drive(board, here or find_port(board))
    others = scan()
    uf2 = image_path(model, board).with_name(UF2_FILE)
    console.print(f"Copying {uf2.name}, {uf2.stat().st_size:,} bytes, to {drive.folder}", markup=False)
    copy(uf2, drive)
    return flash.report_hello(board, _find_line(board, here, others), manifest, board.engine)


def _ask_for_drive(board: Board, here: SerialPort) -> Drive:
    """The drive of a board that runs a program, after asking that for it where it listens to such requests."""
    if not board.wants_dtr:  # behind a UART, where the speed says nothing
        raise UserError(no_drive(board))
    console.print(f"Asking {here.device} for its boot loader")
    open_port(here.device, flash.TOUCH_BAUD).close()
    deadline = time.monotonic() + DRIVE_S
    while time.monotonic() < deadline:
        if drive := find_drive(board):
            return drive
        time.sleep(flash.SCAN_INTERVAL_S)
    raise UserError(f"{here.device}: no drive {board.drive} appeared in {DRIVE_S:g} s: {no_drive(board)}")


def _find_line(board: Board, named: SerialPort | None, others: Sequence[SerialPort]) -> SerialPort:
    """The port of the board that was just flashed: a new one, unless it is an adapter's that stays. UserError."""
    if not board.wants_dtr:
        return named or find_port(board)
    console.print("Waiting for the board to come back")

    def is_new(port: SerialPort) -> bool:
        return port.has(board.application) and port not in others

    found = flash.wait_for_port(is_new, flash.RETURN_S)
    if found is None:
        raise UserError(
            f"{board.drive} was copied to and did not come back in {flash.RETURN_S:g} s: plug it in again, then try "
            f"`{advice.command('hello', board=board.name, port='...')}`; if it stays away, {board.recovery}"
        )
    return found
