"""`tinyproof build`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.firmware.stage import build_image
from tinyproof.options import board_option, compiler_option, model_option
from tinyproof.toolchain import with_compiler


@click.command("build")
@board_option
@model_option
@compiler_option
def command(board_name: str, model: Path, compiler: str | None) -> None:
    """Compile and link the firmware of a board around a model."""
    build_image(model, with_compiler(find_board(board_name), compiler))
