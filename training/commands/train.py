"""`tinyproof train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tinyproof.folders import DATASET, PRESET
from tinyproof.options import OneOf, WordOrPath, board_option_for, optimize_option
from tinyproof.training.augment import AUGMENTATIONS
from tinyproof.training.datasets import BUILT_IN
from tinyproof.training.presets import PRESETS, SEARCHED


@click.command("train")
@click.option(
    "--dataset",
    type=WordOrPath(tuple(BUILT_IN)),
    default=DATASET,
    show_default=True,
    help=f"{', '.join(BUILT_IN)}, or a folder or zip.",
)
@click.option(
    "--preset",
    type=OneOf("preset", (*PRESETS, SEARCHED)),
    default=PRESET,
    show_default=True,
    help=f"The network: {', '.join((*PRESETS, SEARCHED))}.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    help="The model folder.  [default: build/<dataset>_<preset>]",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Rounds over the training images.  [default: the recipe's]")
@click.option(
    "--augment",
    type=OneOf("augmentation", tuple(AUGMENTATIONS)),
    help=f"How training images vary: {', '.join(AUGMENTATIONS)}.  [default: the recipe's]",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of weights and order.")
@click.option("--size", help="Pictures only: 28, or HEIGHTxWIDTH such as 96x64.  [default: 28]")
@click.option("--color/--grey", default=None, help="Pictures only: keep colour or drop it.  [default: as they are]")
@board_option_for("The board it has to fit.")
@optimize_option
@click.option("--overwrite", is_flag=True, help="Train over another trained network in that folder.")
@click.option("--tensorboard", type=click.Path(path_type=Path), help="A folder for logs that TensorBoard shows.")
def command(**wishes: Any) -> None:
    """Train a small image classifier and write model.keras, labels.txt, splits.npz and training.json."""
    from tinyproof.training.stage import Wishes, train_model

    train_model(Wishes(**wishes))
