"""`tinyproof demo`."""

from __future__ import annotations

import sys

import click

from tinyproof.boards import find_board
from tinyproof.folders import DATASET, PRESET
from tinyproof.host.demo import demo
from tinyproof.options import board_option_for, compiler_option


@click.command("demo")
@click.option("--dataset", default=DATASET, show_default=True, help="A data set, or a folder of pictures.")
@click.option("--preset", default=PRESET, show_default=True, help="The network.")
@board_option_for("A board that runs on this machine.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@compiler_option
def command(dataset: str, preset: str, board_name: str, limit: int | None, compiler: str | None) -> None:
    """From training to the verdict of an emulated chip, without `make`."""
    sys.exit(demo(dataset, preset, find_board(board_name), limit, compiler))
