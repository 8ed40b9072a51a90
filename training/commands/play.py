"""`tinyproof play`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.boards import find_board
from tinyproof.options import board_option, model_option, port_option


@click.command("play")
@model_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page.  [default: play.html in the model's folder]",
)
@click.option(
    "--dreams/--no-dreams",
    default=True,
    help="What Keras makes, in ten seconds and more: pictures that excite each filter, maps by gradient.",
)
@click.option("--live", is_flag=True, help="Serve the page, with a device behind it that gets what is drawn.")
@board_option
@port_option
def command(model: Path, out: Path | None, dreams: bool, live: bool, board_name: str, port: str | None) -> None:
    """Write a page that answers while you draw.

    One HTML file with the model as WebAssembly, every map, and filters to edit. It opens from disk.
    """
    from tinyproof.training.play.stage import make_page, play_live

    if live:
        play_live(model, dreams, find_board(board_name), port)
    else:
        make_page(model, out, dreams)
