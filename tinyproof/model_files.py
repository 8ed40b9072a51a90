"""The files that a training run leaves in its model folder, and how to read them back.

    model.keras         the trained network; only Keras reads it
    labels.txt          one class name a line, in the order of the network's outputs
    splits.npz          the images to calibrate with and to test with, and which rows of the data set went where
    float_scores.npy    what the float network answered to each test image
    training.json       how the model was made and how well it does

Needs numpy alone, so that exporting, emulating and validating can use it without TensorFlow.
"""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError, write_atomically
from tinyproof.json_files import read_json, write_json

KERAS_FILE = "model.keras"
LABELS_FILE = "labels.txt"
SPLITS_FILE = "splits.npz"
FLOAT_SCORES_FILE = "float_scores.npy"
TRAINING_FILE = "training.json"
TRAINED_FILES = (KERAS_FILE, LABELS_FILE, SPLITS_FILE, FLOAT_SCORES_FILE, TRAINING_FILE)  # in the order of writing

# What numpy and zipfile raise over a damaged .npz, or over a file that is none.
NPZ_DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,  # a header that speaks of more than there is
    OSError,
    RuntimeError,
    SyntaxError,  # numpy's header is a Python literal
    tokenize.TokenError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


LARGEST_NPZ = 4 << 30  # bytes, unpacked


def open_npz(path: Path) -> NpzFile:
    """A .npz, nothing of it read yet; no objects of Python are ever made of it. Raises what is in NPZ_DAMAGE."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST_NPZ:
        raise ValueError(f"it unpacks to more than {LARGEST_NPZ >> 30} GiB")
    found = np.load(path, allow_pickle=False)
    if not isinstance(found, NpzFile):
        raise ValueError("it is no .npz")
    return found


@dataclass(frozen=True)
class Splits:
    """What later stages may see of the data set. The three index arrays are disjoint rows of the whole set.

    Calibration images come from the training rows, test images are those of `test_index`, in its order.
    """

    x_calibration: NDArray[np.uint8]  # (n <= 500,H,W,C)
    x_test: NDArray[np.uint8]  # (test,H,W,C)
    y_test: NDArray[np.int32]  # (test,)
    train_index: NDArray[np.int64]
    validation_index: NDArray[np.int64]
    test_index: NDArray[np.int64]


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was made and how well it does. Accuracies are shares, 0..1; the test images were used once."""

    dataset: str
    origin: str
    preset: str
    network: dict[str, Any]  # training.network.Network as plain values
    recipe: dict[str, Any]  # training.recipes.Recipe as plain values
    seed: int
    plan: str  # sha256 of everything that decides the weights (training.train.Plan)
    epochs_run: int
    accuracy_validation: float
    accuracy_float: float  # on the test images
    parameters: int
    macs: int
    seconds: float
    versions: dict[str, str]
    history: dict[str, list[float]]  # Keras' measures, one number an epoch


def is_label(text: str) -> bool:
    """Say whether a class name fits on a line of its own: printable, not blank, no space at its ends."""
    return bool(text) and text.isprintable() and text == text.strip()


def save_labels(path: Path, labels: Sequence[str]) -> None:
    """Write one class name a line."""
    write_atomically(path, "".join(f"{label}\n" for label in labels))


def load_labels(path: Path) -> tuple[str, ...]:
    """Read the class names, in the order of the network's outputs. UserError if the file is missing or no such list."""
    try:
        labels = tuple(path.read_text(encoding="utf-8").rstrip("\n").split("\n"))
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _broken(path, error) from error
    if not all(is_label(label) for label in labels):
        raise _broken(path, "it must hold one class name a line")
    return labels


def save_splits(path: Path, splits: Splits) -> None:
    """Write the splits; the same splits give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{field.name: getattr(splits, field.name) for field in fields(Splits)})
    write_atomically(path, buffer.getvalue())


def load_splits(path: Path) -> Splits:
    """Read the splits. UserError if the file is missing, damaged, or holds something else."""
    try:
        with open_npz(path) as archive:
            splits = Splits(**{field.name: archive[field.name] for field in fields(Splits)})
    except FileNotFoundError as error:
        raise _missing(path) from error
    except NPZ_DAMAGE as error:
        raise _broken(path, error) from error
    _check(path, splits)
    return splits


def save_float_scores(path: Path, scores: NDArray[np.float32]) -> None:
    """Write what the float network answered to each test image, (test,classes)."""
    buffer = io.BytesIO()
    np.save(buffer, scores.astype(np.float32))
    write_atomically(path, buffer.getvalue())


def load_float_scores(path: Path) -> NDArray[np.float32] | None:
    """Read them; None where an earlier version did not write them. UserError if the file is damaged."""
    try:
        scores = np.asarray(np.load(path, allow_pickle=False))
    except FileNotFoundError:
        return None
    except NPZ_DAMAGE as error:
        raise _broken(path, error) from error
    if scores.ndim != 2 or scores.dtype != np.float32:
        raise _broken(path, "it must hold float32 (N,classes)")
    return scores


def save_record(path: Path, record: TrainingRecord) -> None:
    """Write the record as JSON."""
    write_json(path, record)


def load_record(path: Path) -> TrainingRecord:
    """Read the record of a training run. UserError if the file is missing or no such record."""
    return read_json(path, TrainingRecord, f"run `{advice.command('train')}`")


def _check(path: Path, splits: Splits) -> None:
    images = (splits.x_calibration, splits.x_test)
    if any(x.dtype != np.uint8 or x.ndim != 4 or len(x) == 0 for x in images):
        raise _broken(path, "its images must be uint8 (N,H,W,C)")
    if splits.x_calibration.shape[1:] != splits.x_test.shape[1:]:
        raise _broken(path, "calibration and test images differ in shape")
    if not len(splits.x_test) == len(splits.y_test) == len(splits.test_index):
        raise _broken(path, "it has not as many labels as test images")


def _missing(path: Path) -> UserError:
    return UserError(f"{path} does not exist: run `{advice.command('train')}` first")


def _broken(path: Path, reason: object) -> UserError:
    return UserError(
        f"{path} cannot be used ({' '.join(str(reason).split())}): run `{advice.command('train')}` to make it again"
    )
