"""`python -m training`: train a preset on a data set and leave a model folder for the next stages."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from export.optimize import Optimize
from firmware.boards import find_board
from host.console import UserError, console, make_writable, run, table
from host.options import Words, board_option_for, optimize_option
from training.augment import AUGMENTATIONS
from training.datasets import BUILT_IN, load_dataset
from training.files import FLOAT_SCORES_FILE, KERAS_FILE, LABELS_FILE, SPLITS_FILE, TRAINING_FILE
from training.journey import journey_table, trace
from training.presets import PRESETS, SEARCHED, find_preset
from training.recipes import find_recipe
from training.report import write_report
from training.splits import Dataset, class_counts
from training.train import Plan, is_trained, save, train

LARGEST_SIDE = 512  # pixels; more than a microcontroller holds, and a slip of the finger cannot fill the memory


@click.command()
@click.option(
    "--dataset",
    type=Words(tuple(BUILT_IN)),
    default="digits",
    show_default=True,
    help=f"{', '.join(BUILT_IN)}, or a folder or zip.",
)
@click.option(
    "--preset",
    type=Words((*PRESETS, SEARCHED)),
    default="small",
    show_default=True,
    help=f"The network: {', '.join((*PRESETS, SEARCHED))}.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The model folder.  [default: build/<dataset>_<preset>]")
@click.option("--epochs", type=click.IntRange(min=1), help="Rounds over the training images.  [default: the recipe's]")
@click.option(
    "--augment",
    type=Words(tuple(AUGMENTATIONS)),
    help=f"How training images vary: {', '.join(AUGMENTATIONS)}.  [default: the recipe's]",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of weights and order.")
@click.option("--size", help="Pictures only: 28, or HEIGHTxWIDTH such as 96x64.  [default: 28]")
@click.option("--color/--grey", default=None, help="Pictures only: keep colour or drop it.  [default: as they are]")
@board_option_for("The board it has to fit.")
@optimize_option
@click.option("--tensorboard", type=click.Path(path_type=Path), help="A folder for logs that TensorBoard shows.")
def main(
    dataset: str,
    preset: str,
    out: Path | None,
    epochs: int | None,
    augment: str | None,
    seed: int,
    size: str | None,
    color: bool | None,
    board_name: str,
    optimize: str,
    tensorboard: Path | None,
) -> None:
    """Train a small image classifier and write model.keras, labels.txt, splits.npz and training.json."""
    from training.cost import print_device_cost

    board = find_board(board_name)
    if tensorboard and find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs the Python package tensorboard: install tinyproof[tensorboard]")
    if preset != SEARCHED:
        find_preset(preset, dataset)
    try:
        data = load_dataset(dataset, None if size is None else parse_size(size), color)
        chosen = find_preset(preset, data.name)
        recipe = find_recipe(preset, data.name, len(data.train), epochs, augment)
        plan = Plan(data, preset, chosen.network, recipe, seed)
        if tensorboard:
            make_writable(tensorboard, "choose another --tensorboard")
        folder = make_writable(out or Path("build") / f"{data.name}_{preset}")
        say(describe(data))
        if is_trained(plan, folder):
            os.utime(folder / TRAINING_FILE)  # make compares times
            say(f"{folder} is up to date: the same plan made it; remove it to train again")
            return
        console.print(class_table(data))
        model = plan.untrained_model()
        console.print(journey_table(trace(model)))
        print_device_cost(model, board, folder.name, Optimize(optimize))
        say(f"recipe: {recipe}")
        run = train(plan, folder, tensorboard)
    except ModuleNotFoundError as error:
        raise UserError(f"training needs the Python package {error.name}: install tinyproof[train]") from error
    try:
        save(run, data, folder)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written to ({error.strerror}): make room or choose another --out"
        ) from error
    report = write_report(folder)
    record = run.record
    say(
        f"accuracy {record.accuracy_validation:.2%} on validation, {record.accuracy_float:.2%} on "
        f"{len(data.test):,} test images, after {record.epochs_run} epochs in {record.seconds:.0f} s"
    )
    say(f"wrote {folder}/: {KERAS_FILE} {LABELS_FILE} {SPLITS_FILE} {FLOAT_SCORES_FILE} {TRAINING_FILE} {report.name}")


def parse_size(text: str) -> tuple[int, int]:
    """Read `28` or `96x64` as (height, width) in pixels. UserError if it is neither.

    >>> parse_size("28"), parse_size("96x64")
    ((28, 28), (96, 64))
    """
    match = re.fullmatch(r"([0-9]{1,4})(?:x([0-9]{1,4}))?", text)
    height, width = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise UserError(
            f"{text!r} is no image size: write 28, or HEIGHTxWIDTH such as 96x64, each from 1 to {LARGEST_SIDE}"
        )
    return height, width


def describe(data: Dataset) -> str:
    """Say in a few lines what is trained on."""
    shape = "x".join(str(side) for side in data.image_shape)
    copies = f"; {len(data.left_out):,} copies of these left out" if len(data.left_out) else "; no image in two parts"
    return (
        f"{data.name}: {data.origin}\n"
        f"{len(data.images):,} images of {shape}, {len(data.class_names)} classes: {len(data.train):,} to train, "
        f"{len(data.validation):,} to validate, {len(data.test):,} to test{copies}"
    )


def class_table(data: Dataset) -> Table:
    """How many images of each class each part holds."""
    result = table("Images of each class", "class", "train", "validation", "test")
    for name, counts in zip(data.class_names, class_counts(data), strict=True):
        result.add_row(escape(name), *(f"{count:,}" for count in counts))
    return result


def say(text: str) -> None:
    """Print text as it is: class and folder names may hold what looks like markup."""
    console.print(text, markup=False)


if __name__ == "__main__":
    run(main, "python -m training")
