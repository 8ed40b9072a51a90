"""`tinyproof sketch`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import console
from tinyproof.firmware.arduino import steps, zip_of
from tinyproof.firmware.sketch import sketch
from tinyproof.options import engine_option, model_option, real_board_option


@click.command("sketch")
@real_board_option
@model_option
@engine_option
@click.option(
    "--page",
    default="",
    help="The address of your page, https://..., where you publish an Arduino library.",
)
def command(board_name: str, model: Path, engine: str | None, page: str) -> None:
    """Write a library for the Arduino IDE, or a project for ESP-IDF."""
    claim(model)
    folder = sketch(find_board(board_name), model, engine, page)
    archive = zip_of(folder)
    if archive.is_file():
        console.print(f"library: {archive}", markup=False)
        console.print(steps(folder.name), markup=False)
    else:
        console.print(f"sketch: {folder}", markup=False)
