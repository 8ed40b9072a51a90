"""`tinyproof sketch`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.firmware.sketch import sketch
from tinyproof.options import engine_option, model_option, real_board_option


@click.command("sketch")
@real_board_option
@model_option
@engine_option
def command(board_name: str, model: Path, engine: str | None) -> None:
    """Write a real board's firmware for the Arduino IDE or ESP-IDF."""
    claim(model)
    console.print(f"sketch: {sketch(find_board(board_name), model, engine)}")
