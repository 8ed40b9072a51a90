"""`tinyproof profile`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.host.diagnosis.look import profile
from tinyproof.options import board_option, model_option, port_option


@click.command("profile")
@model_option
@board_option
@port_option
def command(model: Path, board_name: str, port: str | None) -> None:
    """Print what every op of an inference costs on a device.

    Example: tinyproof profile --model build/digits_small --board qemu
    """
    profile(model, find_board(board_name), port)
