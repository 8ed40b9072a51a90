"""`tinyproof predict`: exit status 0 where device and golden agree, 1 where not, 2 could not tell."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.options import FILE, board_option, model_option, port_option


@click.command("predict")
@model_option
@board_option
@port_option
@click.option(
    "--image",
    "images",
    type=FILE,
    multiple=True,
    required=True,
    help="A picture's file or a folder, or an .npy, .npz or .csv of numbers.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: Path, board_name: str, port: str | None, images: tuple[Path, ...], as_json: bool) -> None:
    """Show what pictures or numbers are taken for: by the float network, by int8 in Python, and by the device.

    Example: tinyproof predict --model digits_small --image my.jpg --image photos/
    """
    from tinyproof.host.predict import predict

    sys.exit(predict(model, find_board(board_name), port, images, as_json))
