"""The training stage as a user runs it: what was asked for, on data that is there, to a model folder.

Says on the terminal what is trained on, what it will cost on the board, and what came of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from tinyproof import advice, missing
from tinyproof.boards import find_board
from tinyproof.claim import claim
from tinyproof.console import UserError, console, make_writable, no_room, table
from tinyproof.folders import trained_folder
from tinyproof.made import fingerprint, is_made, remember, settings_of, tree_state
from tinyproof.manifest import TFLITE_FILE
from tinyproof.model_files import KERAS_FILE, TRAINED_FILES, TRAINING_FILE, TrainingRecord
from tinyproof.optimize import Optimize
from tinyproof.statistics import few_pictures
from tinyproof.training.cost import print_device_cost
from tinyproof.training.datasets import load_dataset, source_of
from tinyproof.training.journey import journey_table, trace
from tinyproof.training.presets import SEARCHED, choice_file, find_preset
from tinyproof.training.recipes import find_recipe, in_words
from tinyproof.training.report import write_report
from tinyproof.training.resume import is_unfinished
from tinyproof.training.splits import Dataset, class_counts, class_weights
from tinyproof.training.train import Plan, deciding_code, is_trained, save, train
from tinyproof.version import package_versions

PICTURES, SEARCH = "its pictures", "the network that the search chose"
LARGEST_SIDE = 512  # pixels; more than a microcontroller holds, and a slip of the finger cannot fill the memory


@dataclass(frozen=True)
class Wishes:
    """What was asked for, as typed; None leaves the choice to the recipe or to the pictures."""

    dataset: str
    preset: str
    out: Path | None
    epochs: int | None
    augment: str | None
    seed: int
    size: str | None
    color: bool | None
    board_name: str
    optimize: str
    tensorboard: Path | None
    overwrite: bool


def train_model(wishes: Wishes) -> None:
    """Train, unless the folder holds what these wishes lead to. UserError for what cannot be."""
    board = find_board(wishes.board_name)
    if wishes.tensorboard and find_spec("tensorboard") is None:
        raise UserError(
            f"{advice.name_of('tensorboard')} needs the Python package tensorboard: install tinyproof[tensorboard]"
        )
    if wishes.preset != SEARCHED:
        find_preset(wishes.preset, wishes.dataset)
    folder = wishes.out or trained_folder(wishes.dataset, wishes.preset)
    claim(folder, make=True)
    settings = _settings(wishes)
    inputs = _inputs(settings)
    if is_made(folder, "train", inputs):
        say(f"{folder} is trained already")
        return
    try:
        plan = _plan(wishes)
        if wishes.tensorboard:
            make_writable(wishes.tensorboard, "tensorboard")
        data = plan.dataset
        say(describe(data))
        if is_trained(plan, folder):
            remember(folder, "train", inputs, [folder / name for name in TRAINED_FILES], settings)
            say(f"{folder} is up to date: the same plan made it; remove it to train again")
            return
        if not wishes.overwrite and (kept := keep_trained(folder, settings)):
            say(kept)
            return
        console.print(class_table(data))
        if uneven := uneven_classes(data):
            say(uneven)
        model = plan.untrained_model()
        console.print(journey_table(trace(model)))
        print_device_cost(model, board, folder.name, Optimize(wishes.optimize))
        say(f"recipe: {in_words(plan.recipe)}")
        run = train(plan, folder, wishes.tensorboard)
    except ModuleNotFoundError as error:
        raise UserError(f"training needs the Python package {error.name}: {missing.cure('[train]')}") from error
    try:
        save(run, data, folder)
    except OSError as error:
        raise no_room(folder, error) from None
    remember(folder, "train", inputs, [folder / name for name in TRAINED_FILES], settings)
    report = write_report(folder)
    _say_result(run.record, len(data.test))
    say(f"wrote {folder}/: {' '.join(TRAINED_FILES)} {report.name}")


def _say_result(record: TrainingRecord, test_images: int) -> None:
    say(
        f"accuracy {record.accuracy_validation:.2%} on validation, {record.accuracy_float:.2%} on "
        f"{test_images:,} test images, after {record.epochs_run} epoch{'s' * (record.epochs_run != 1)} in "
        f"{record.seconds:.0f} s"
    )
    if caution := few_pictures(test_images):
        say(caution)


def _settings(wishes: Wishes) -> dict[str, str]:
    """What decides which network it is: the settings as given, and what the data and the choice of a search hold."""
    given = {
        name: getattr(wishes, name) for name in ("dataset", "preset", "epochs", "augment", "seed", "size", "color")
    }
    source = source_of(wishes.dataset)
    return {
        **{name: "" if value is None else str(value) for name, value in given.items()},
        PICTURES: tree_state(source) if source else "",
        SEARCH: fingerprint(choice_file(wishes.dataset)) if wishes.preset == SEARCHED else "",
    }


def _inputs(settings: dict[str, str]) -> str:
    """What decides the weights, as far as it is known without loading anything."""
    versions = package_versions("tensorflow-cpu", "tensorflow", "keras", "numpy")
    return fingerprint(repr(settings), deciding_code(), versions)


def keep_trained(folder: Path, settings: dict[str, str]) -> str:
    """Why the network in the folder stays although these settings do not lead to its bytes: other versions of this tool
    or of its libraries trained it. Empty where there is none. UserError where it is another network.
    """
    trained = (folder / KERAS_FILE).is_file()
    of_elsewhere = not trained and (folder / TFLITE_FILE).is_file() and settings_of(folder, "train") is None
    if is_unfinished(folder) or not (trained or of_elsewhere):
        return ""
    again = advice.setting("overwrite", True)
    before = settings_of(folder, "train") if (folder / TRAINING_FILE).is_file() else None
    if before == settings:
        return f"{folder} was trained with the same settings by other versions of this tool; {again} trains it again"
    beside = advice.setting("model" if advice.by_make() else "out", folder.with_name(f"{folder.name}_2"))
    choice = (
        f"{advice.setting('model', folder)} alone to use it as it is; or name another folder for this one with "
        f"{beside}; or replace it with {again}"
    )
    if of_elsewhere:
        raise UserError(f"{folder} holds a model from elsewhere: {choice}")
    choice = f"give the same settings; or {choice}"
    if before is None:
        raise UserError(f"{folder} holds a network that was not trained with these settings, or not here: {choice}")
    changes = [_changed(name, before, settings) for name in settings if before.get(name, "") != settings[name]]
    raise UserError(f"{folder} holds another network, {'; '.join(changes)}: {choice}")


def _changed(name: str, before: dict[str, str], now: dict[str, str]) -> str:
    """`trained with EPOCHS=3, now 10`."""
    if name in (PICTURES, SEARCH):
        return f"{name} changed"
    was, asked = before.get(name, ""), now[name]
    with_ = advice.setting(name, was) if was else f"no {advice.setting(name).rstrip('=')}"
    return f"trained with {with_}, now {asked or 'not given'}"


def _plan(wishes: Wishes) -> Plan:
    preset = find_preset(wishes.preset, wishes.dataset)
    size = None if wishes.size is None else parse_size(wishes.size)
    data = load_dataset(wishes.dataset, size, wishes.color, preset.side)
    recipe = find_recipe(wishes.preset, data.name, len(data.train), wishes.epochs, wishes.augment)
    return Plan(data, wishes.preset, preset.network, recipe, wishes.seed)


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
    """Say in a few lines what is trained on, and what to doubt."""
    shape = "x".join(str(side) for side in data.image_shape)
    copies = f"; {len(data.left_out):,} copies of these left out" if len(data.left_out) else "; no image in two parts"
    counts = (
        f"{len(data.images):,} images of {shape}, {len(data.class_names)} classes: {len(data.train):,} to train, "
        f"{len(data.validation):,} to validate, {len(data.test):,} to test{copies}"
    )
    return "\n".join([f"{data.name}: {data.origin}", counts, *data.cautions])


def class_table(data: Dataset) -> Table:
    """How many images of each class each part holds."""
    result = table("Images of each class", "class", "train", "validation", "test")
    for name, counts in zip(data.class_names, class_counts(data), strict=True):
        result.add_row(escape(name), *(f"{count:,}" for count in counts))
    return result


def uneven_classes(data: Dataset) -> str:
    """What unevenness means for the training, in a line; empty where the classes are about even."""
    counts, weights = class_counts(data)[:, 0], class_weights(data)
    if weights is None:
        return ""
    most, least = int(counts.argmax()), int(counts.argmin())
    return (
        f"uneven classes: {counts[most]:,} of '{data.class_names[most]}' to train on, {counts[least]:,} of "
        f"'{data.class_names[least]}'; in training one of these counts as {weights[least] / weights[most]:.1f} of "
        "those, and the accuracy says little of the rare ones"
    )


def say(text: str) -> None:
    """Print text as it is: class and folder names may hold what looks like markup."""
    console.print(text, markup=False)
