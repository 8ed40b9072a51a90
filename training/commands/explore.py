"""`tinyproof explore`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tinyproof.folders import BUILD
from tinyproof.options import NO_BOARD, ModelFolder, OneOf, PortName, Words, board_option_for, compiler_option
from tinyproof.training.lab.convolution import PADDINGS
from tinyproof.training.lab.filters import NAMED
from tinyproof.training.lab.pictures import ASCENT, BUNDLED, FULL, LONGEST


@click.command("explore")
@click.option(
    "--image",
    default=BUNDLED,
    type=Words((BUNDLED, ASCENT)),
    show_default=True,
    help=f"A picture's file, {BUNDLED} or {ASCENT}.",
)
@click.option(
    "--size",
    type=Words((FULL,)),
    default=str(LONGEST),
    show_default=True,
    help=f"The longer side that a larger picture is scaled down to, or {FULL}.",
)
@click.option(
    "--filter",
    "filter_text",
    type=Words(tuple(NAMED)),
    default="vertical-lines",
    show_default=True,
    help="A name or numbers.",
)
@click.option("--weight", help="What the sum is multiplied by, e.g. 1/9.  [default: makes the numbers add up to 1]")
@click.option("--stride", type=int, default=1, show_default=True, help="Keep every n-th pixel.")
@click.option(
    "--padding", type=OneOf("padding", PADDINGS), default=PADDINGS[0], show_default=True, help=f"{', '.join(PADDINGS)}."
)
@click.option("--model", type=ModelFolder(), help="A trained model's folder, or its name in build/.")
@click.option("--classes", help="Classes of the model to show side by side, e.g. 3,8.  [default: two unlike ones]")
@board_option_for(f"A board, or {NO_BOARD}.", NO_BOARD)
@compiler_option
@click.option("--port", type=PortName(), help="The serial port of a real board; without it the board is found on USB.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, readable=False),
    default=BUILD / "explore",
    show_default=True,
    help="A folder for page and figures.",
)
def command(**wishes: Any) -> None:
    """Filter and pool a picture, by hand, in NumPy and on a chip, and look into a trained model.

    Writes index.html and a PNG of every figure.

    Examples: tinyproof explore --image photo.jpg --filter "-1 0 1 -2 0 2 -1 0 1"

              tinyproof explore --model digits_small --board none
    """
    from tinyproof.training.lab.stage import Wishes, explore

    explore(Wishes(**wishes))
