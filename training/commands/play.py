"""`tinyproof play`."""

from __future__ import annotations

from pathlib import Path

import click

from tinyproof.options import model_option


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
    help="Pictures that excite each filter, made with Keras, which takes ten seconds.",
)
def command(model: Path, out: Path | None, dreams: bool) -> None:
    """Write a page that answers while you draw.

    One HTML file with the model as WebAssembly, every map, and filters to edit. It opens from disk.
    """
    from tinyproof.training.play.stage import make_page

    make_page(model, out, dreams)
