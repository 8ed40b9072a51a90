"""`python -m training`: train a preset on a data set and leave a model folder for the next stages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from host.console import UserError, console, run
from training.datasets import BUILT_IN, Dataset, load_dataset
from training.files import KERAS_FILE, LABELS_FILE, SPLITS_FILE, TRAINING_FILE
from training.presets import PRESETS, find_preset
from training.train import save, train

LARGEST_SIDE = 512  # pixels; more than a microcontroller holds, and a slip of the finger cannot fill the memory


@click.command()
@click.option("--dataset", default="digits", show_default=True, help=f"{', '.join(BUILT_IN)}, or a folder of pictures.")
@click.option("--preset", default="small", show_default=True, help=f"The network: {', '.join(PRESETS)}.")
@click.option("--out", type=click.Path(path_type=Path), help="The model folder.  [default: build/<dataset>_<preset>]")
@click.option("--epochs", type=click.IntRange(min=1), help="Most epochs to train.  [default: by the size of the set]")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True, help="Images a step.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of weights and order.")
@click.option("--size", help="Folder only: 28, or HEIGHTxWIDTH such as 96x64.  [default: 28]")
@click.option("--color/--grey", default=None, help="Folder only: keep colour or drop it.  [default: as the pictures]")
def main(
    dataset: str,
    preset: str,
    out: Path | None,
    epochs: int | None,
    batch_size: int,
    seed: int,
    size: str | None,
    color: bool | None,
) -> None:
    """Train a small image classifier and write model.keras, labels.txt, splits.npz and training.json."""
    find_preset(preset)
    try:
        data = load_dataset(dataset, None if size is None else parse_size(size), color)
        folder = make_writable(out or Path("build") / f"{data.name}_{preset}")
        say(describe(data))
        run = train(data, preset, epochs, batch_size, seed)
    except ModuleNotFoundError as error:
        raise UserError(f"training needs the Python package {error.name}: install tinyproof[train]") from error
    try:
        save(run, data, folder)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written to ({error.strerror}): make room or choose another --out"
        ) from error
    record = run.record
    say(
        f"test accuracy {record.accuracy_float:.2%} on {len(data.test):,} images, "
        f"after {record.epochs_run} epochs in {record.seconds:.0f} s"
    )
    say(f"wrote {folder}/: {KERAS_FILE} {LABELS_FILE} {SPLITS_FILE} {TRAINING_FILE}")


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


def make_writable(folder: Path) -> Path:
    """Make sure, before minutes of training, that files can be written to the folder. UserError if they cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made a folder ({error.strerror}): choose another --out") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder} cannot be written to: choose another --out")
    return folder


def describe(data: Dataset) -> str:
    """Say in two lines what is trained on."""
    shape = "x".join(str(side) for side in data.image_shape)
    return (
        f"{data.name}: {data.origin}\n"
        f"{len(data.images):,} images of {shape}, {len(data.class_names)} classes: "
        f"{len(data.train):,} to train, {len(data.validation):,} to validate, {len(data.test):,} to test"
    )


def say(text: str) -> None:
    """Print text as it is: class and folder names may hold what looks like markup."""
    console.print(text, markup=False)


if __name__ == "__main__":
    run(main, "python -m training")
