"""`tinyproof flash`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof import advice
from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.host.drive_flash import flash_board
from tinyproof.host.flash_stm32 import flash_stm32
from tinyproof.options import PortName, cable_board_option, compiler_option, engine_option, model_option
from tinyproof.toolchain import with_compiler


@click.command("flash")
@model_option
@cable_board_option
@engine_option
@compiler_option
@click.option("--port", type=PortName(), help="Its serial port; without it it is found by USB ids.")
def command(model: Path, board_name: str, engine: str | None, compiler: str | None, port: str | None) -> None:
    """Build for a real board, upload, and hear from it.

    It says which model it runs, and whether its self-test passed.
    """
    claim(model)
    board = with_compiler(find_board(board_name), compiler)
    if board.st_loader:
        port = flash_stm32(board, model, engine, port)
    else:
        flash_board(board, model, engine, port)
        port = port or (None if board.is_real else "...")
    console.print(f"Next: {advice.command('validate', board=board_name, model=model, port=port)}", markup=False)
