"""`tinyproof search`."""

from __future__ import annotations

import click

from tinyproof.boards import find_board
from tinyproof.folders import DATASET
from tinyproof.options import WordOrPath, board_option_for
from tinyproof.training.datasets import BUILT_IN
from tinyproof.training.search import TRIALS


@click.command("search")
@click.option(
    "--dataset", type=WordOrPath(tuple(BUILT_IN)), default=DATASET, show_default=True, help="As for `tinyproof train`."
)
@board_option_for("Whose flash and RAM it has to fit.")
@click.option("--trials", type=click.IntRange(min=1), default=TRIALS, show_default=True, help="Networks to train.")
@click.option("--milliseconds", type=click.FloatRange(min=0, min_open=True), help="Most modelled time an image.")
@click.option(
    "--storage", help="Optuna's storage, such as postgresql://host/name  [default: a SQLite file beside the result]"
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of proposals and weights."
)
@click.option("--size", help="Pictures only, as for `tinyproof train`.")
@click.option("--color/--grey", default=None, help="Pictures only, as for `tinyproof train`.")
def command(
    dataset: str,
    board_name: str,
    trials: int,
    milliseconds: float | None,
    storage: str | None,
    seed: int,
    size: str | None,
    color: bool | None,
) -> None:
    """Search for the network that suits a data set and a board.

    Plots accuracy against time and leaves the choice for training, as the preset `searched`.
    """
    from tinyproof.training.search_stage import search_network

    search_network(dataset, find_board(board_name), trials, milliseconds, storage, seed, size, color)
