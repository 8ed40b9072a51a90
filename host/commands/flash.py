"""`tinyproof flash`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof import advice
from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.host.flashing import flash_board
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
    found = flash_board(board, model, engine, port)
    # A board that is nothing else is found again, whatever its port is called by then.
    port = port if board.is_real else found.port
    console.print(f"Next: {advice.command('validate', board=board_name, model=model, port=port)}", markup=False)
