"""A labelled set that comes as arrays of numpy in an `.npz`, under any of the usual names.

Images may be uint8, uint16 or floats of 0..1, -1..1 or 0..255, channels last or first; labels numbers, text or rows
with a single one. Whatever is turned or scaled is said. What could be meant in two ways is refused.
"""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.model_files import NPZ_DAMAGE, is_label, open_npz

Array = NDArray[np.generic]
WANTED = "x_train and y_train, x_test and y_test, or x and y: images (N,H,W) or (N,H,W,C) and one label each"
# lower case; "" is the whole set. The first that is there counts.
PARTS = {
    "train": ("train", "training", ""),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
IMAGES = ("x", "images", "image", "imgs", "data", "pixels")
LABELS = ("y", "labels", "label", "targets", "target", "classes")
NAMES = ("target_names", "class_names", "label_names", "classes_names")
MOST_CLASSES = 1000
DAMAGE = (*NPZ_DAMAGE, LookupError, struct.error)


@dataclass(frozen=True)
class ArraySet:
    """The images and labels of a file, and which rows are of which part."""

    images: NDArray[np.uint8]  # (N,H,W,C), C = 1 or 3
    labels: NDArray[np.int32]
    class_names: tuple[str, ...]
    parts: dict[str, NDArray[np.int64]]
    keys: dict[str, str]  # the name of each part's images
    done: str  # what was turned or scaled, `; ...`


def is_arrays(path: Path) -> bool:
    """Whether the file is an `.npz`: a zip of nothing but `.npy` files."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except DAMAGE:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def read_arrays(path: Path) -> ArraySet:
    """Read the labelled images of an `.npz`. UserError for what is not one, and for what could be meant in two ways."""
    found = _load(path)
    pairs = _pairs(path, found)
    images, notes = [], []
    for part, (key, _) in pairs.items():
        pixels, done = _pixels(f"{path}: {key}", found[key])
        images.append(pixels)
        notes += done
        if pixels.shape[1:] != images[0].shape[1:]:
            raise UserError(f"{path}: {key} is of another size than {pairs['train'][0]}: give all images one size")
        if len(found[pairs[part][1]]) != len(pixels):
            raise UserError(
                f"{path} holds {len(pixels)} images {key} and {len(found[pairs[part][1]])} labels {pairs[part][1]}: "
                "give each image one label"
            )
    labels, names = _labels(path, found, [key for _, key in pairs.values()])
    starts = np.cumsum([0, *map(len, images)])
    parts = {part: np.arange(starts[k], starts[k + 1]) for k, part in enumerate(pairs)}
    done_words = "".join(f"; {note}" for note in dict.fromkeys(notes))
    return ArraySet(
        np.concatenate(images), labels, names, parts, {part: key for part, (key, _) in pairs.items()}, done_words
    )


def _load(path: Path) -> dict[str, Array]:
    try:
        with open_npz(path) as archive:
            return {name: archive[name] for name in archive.files}
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read as arrays of numbers ({error}): save it with numpy.savez") from error


def _pairs(path: Path, found: dict[str, Array]) -> dict[str, tuple[str, str]]:
    """The names of images and labels of each part."""
    by_lower = {name.lower().replace("-", "_"): name for name in found}
    pairs: dict[str, tuple[str, str]] = {}
    for part, words in PARTS.items():
        for word in words:
            images, labels = (_named(by_lower, kinds, word) for kinds in (IMAGES, LABELS))
            if images and labels:
                pairs[part] = (images, labels)
                break
    if "train" not in pairs:
        raise UserError(f"{path} holds {', '.join(found) or 'nothing'}: name the arrays {WANTED}")
    return pairs


def _named(by_lower: dict[str, str], kinds: tuple[str, ...], part: str) -> str | None:
    for kind in kinds:
        for name in (f"{kind}_{part}", f"{part}_{kind}", f"{kind}{part}") if part else (kind,):
            if name in by_lower:
                return by_lower[name]
    return None


def _pixels(where: str, array: Array) -> tuple[NDArray[np.uint8], list[str]]:
    """Images as uint8 (N,H,W,C), and what was done to them."""
    notes: list[str] = []
    if array.ndim == 2:
        side = round(array.shape[1] ** 0.5)
        if side * side != array.shape[1] or side < 2:
            raise UserError(f"{where} is {_shape(array)}, no images: reshape it to (N,H,W,C)")
        array = array.reshape(-1, side, side)
        notes.append(f"rows of {side * side} pixels read as {side}x{side}")
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or 0 in array.shape:
        raise UserError(f"{where} is {_shape(array)}, no images: save them as (N,H,W) or (N,H,W,C)")
    if array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
        notes.append("channels moved from first to last")
    if array.shape[3] not in (1, 3):
        raise UserError(f"{where} has {array.shape[3]} channels: save images with 1 or 3, in the last place")
    pixels, note = _bytes(where, array)
    return np.ascontiguousarray(pixels), notes + note


def _bytes(where: str, array: Array) -> tuple[NDArray[np.uint8], list[str]]:
    if array.dtype == np.uint8:
        if array.max() == 1:
            return np.asarray(array, np.uint8) * np.uint8(255), ["pixels of 0 and 1 multiplied by 255"]
        return np.asarray(array, np.uint8), []
    if array.dtype.kind not in "fiu":
        raise UserError(f"{where} holds {array.dtype}, not pixels: save images as uint8")
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise UserError(f"{where} holds NaN or infinite values: leave such images out")
    low, high = float(values.min()), float(values.max())
    whole = array.dtype.kind in "iu" or bool((values == np.rint(values)).all())
    if low >= 0 and high <= 255 and whole and high > 1:
        return values.astype(np.uint8), []
    if array.dtype == np.uint16:
        return np.rint(values / 257).astype(np.uint8), ["pixels of 0..65535 divided by 257"]
    if array.dtype.kind == "f" and low >= 0 and 0 < high <= 1:
        return np.rint(values * 255).astype(np.uint8), ["pixels of 0..1 multiplied by 255"]
    if array.dtype.kind == "f" and -1 <= low < -0.5 and 0.5 < high <= 1:
        return np.rint((values + 1) * 127.5).astype(np.uint8), ["pixels of -1..1 brought to 0..255"]
    if array.dtype.kind == "f" and low >= 0 and 1.5 < high <= 255:
        return np.rint(values).astype(np.uint8), ["pixels rounded"]
    raise UserError(
        f"{where} holds {array.dtype} from {low:.4g} to {high:.4g}, which are no pixels: save images as uint8, 0..255"
    )


def _labels(path: Path, found: dict[str, Array], keys: list[str]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Labels as places in the class names, over all parts."""
    columns = [_column(f"{path}: {key}", found[key]) for key in keys]
    if len({column.dtype.kind in "US" for column in columns}) > 1:
        raise UserError(f"{path}: labels are text in one part and numbers in another: give both the same")
    values, places = np.unique(np.concatenate(columns), return_inverse=True)
    absent = set(values) - set(np.unique(columns[0]))
    if absent:
        raise UserError(f"{path}: label {min(absent)} is not among {keys[0]}: nothing of it could be learnt")
    if not 2 <= len(values) <= MOST_CLASSES:
        raise UserError(f"{path}: {keys[0]} has {len(values):,} classes: give 2 to {MOST_CLASSES:,}")
    key = next((name for name in found if name.lower() in NAMES), None)
    names = [str(value) for value in values]
    if key and values.dtype.kind not in "US" and found[key].dtype.kind == "U" and found[key].ndim == 1:
        if values.min() < 0 or values.max() >= len(found[key]):
            raise UserError(
                f"{path}: {key} has {len(found[key])} names, labels go from {values.min()} to {values.max()}"
            )
        names = [str(found[key][int(value)]) for value in values]
    for name in names:
        if not is_label(name):
            raise UserError(f"{path}: {name!r} cannot be a class name; use printable text")
    return places.reshape(-1).astype(np.int32), tuple(names)


def _column(where: str, array: Array) -> Array:
    """One label for each image: whole numbers or text."""
    if array.dtype.kind == "S":
        array = np.char.decode(array.astype(np.bytes_), "utf-8", "replace")
    if array.ndim == 2 and array.shape[1] > 1:
        if array.dtype.kind not in "biuf" or not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            raise UserError(f"{where} has rows that are not one class each: give whole numbers, or a single 1 a row")
        return np.asarray(array.argmax(axis=1))
    array = array.reshape(-1) if array.ndim == 2 else array
    if array.ndim != 1 or array.dtype.kind not in "biufU":
        raise UserError(f"{where} is {_shape(array)} of {array.dtype}, not a label for each image")
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and (array == np.rint(array)).all()):
            raise UserError(f"{where} holds numbers that are not whole: classes are numbered")
        return array.astype(np.int64)
    return array.astype(np.int64) if array.dtype.kind in "biu" else array


def _shape(array: Array) -> str:
    return " x ".join(map(str, array.shape)) or "a single value"
