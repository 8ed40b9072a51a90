"""Flashing, whatever the board: the one place that knows which way goes to which."""

from __future__ import annotations

from pathlib import Path

from tinyproof.boards import Board
from tinyproof.host.drive_flash import flash_drive
from tinyproof.host.flash import Flashed, flash
from tinyproof.host.flash_arduino import flash_arduino
from tinyproof.host.flash_esp import flash_esp
from tinyproof.host.flash_stm32 import flash_stm32


def flash_board(board: Board, model: Path, engine: str | None = None, port: str | None = None) -> Flashed:
    """Build the firmware of `board` for the model exported to `model`, put it there, and hear from it.

    Without `port` the board is found. Raises UserError where any of that does not work.
    """
    if board.drive:
        return flash_drive(board, model, engine, port)
    if board.st_loader:
        return flash_stm32(board, model, engine, port)
    if board.esp_loader:
        return flash_esp(board, model, engine, port)
    if board.arduino_boot:
        return flash_arduino(board, model, engine, port)
    return flash(board, model, engine, port)
