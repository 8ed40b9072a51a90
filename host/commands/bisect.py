"""`tinyproof bisect`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.host.diagnosis.look import bisect
from tinyproof.options import board_option, model_option, port_option


@click.command("bisect")
@model_option
@board_option
@port_option
@click.option("--sample", type=click.IntRange(min=0), default=0, show_default=True, help="Its number, from 0.")
def command(model: Path, board_name: str, port: str | None, sample: int) -> None:
    """Find the first op of one sample that is not the golden's. Exit status 1 if there is one.

    Example: tinyproof bisect --model build/digits_small --port /dev/ttyACM0 --sample 17
    """
    sys.exit(0 if bisect(model, find_board(board_name), port, sample) else 1)
