"""Reads what a Keras model from elsewhere is calibrated with: a folder of pictures, or an .npy or .npz.

Images uint8 are pixels 0..255; other numbers are samples of the network's own input, used as they are. What the network
sees of a pixel is said apart (`export.pixels`), so that it is known on the device too. Needs no TensorFlow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError, console
from tinyproof.model_files import NPZ_DAMAGE

MOST_IMAGES = 500
LEAST_ROW = 64  # bytes: a square of so many may be a picture
PAIRS = (  # what samples and their labels are called in an .npz, lower case, the likeliest first
    *(("x", "y"), ("x_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y")),
    *(("images", "labels"), ("x_test", "y_test")),
)
Images = NDArray[np.uint8]
Numbers = NDArray[np.float32]


def load_calibration(path: Path, input_shape: tuple[int, int, int] | None) -> Images | Numbers:
    """Images uint8 (n <= 500,H,W,C) of the shape (H,W,C) that the network takes: pictures are stretched to it. An array
    (None) has a shape of its own, and is float32 (n,...) unless it is of images.

    Of more than 500, as many spread over all of them. UserError if there are none, or arrays of another shape or type.
    """
    check_calibration(path)
    if input_shape and holds_pictures(path):
        return load_pictures(path, input_shape)[0]
    array = _read_array(path)
    if array.ndim < 2 or 0 in array.shape:
        shape = " x ".join(map(str, array.shape))
        raise UserError(
            f"{path} holds an array {shape}, not images (N,H,W,C) or samples (N, and the network's own input): "
            "save them so, channels last"
        )
    chosen = array[_spread(len(array))]
    side = isqrt(array.shape[1])
    if array.dtype == np.uint8 and array.ndim == 2 and side * side == array.shape[1] >= LEAST_ROW:
        return np.asarray(chosen.reshape(-1, side, side, 1), np.uint8)
    if array.dtype == np.uint8 and array.ndim in (3, 4):
        return np.asarray(chosen if array.ndim == 4 else chosen[..., np.newaxis], np.uint8)
    return _numbers(path, chosen)


def load_pictures(path: Path, input_shape: tuple[int, int, int]) -> tuple[Images, NDArray[np.int64] | None]:
    """The images of a folder or an archive, as `load_calibration` has them, and their labels where there are any."""
    if input_shape[2] not in (1, 3):
        if input_shape[0] in (1, 3):
            raise UserError(
                f"the network has its channels first, {input_shape}, and pictures have them last: give an .npy of "
                "images, x.transpose(0, 3, 1, 2)"
            )
        raise UserError(f"the network takes {input_shape[2]} channels, pictures have 1 or 3: give an .npy of images")
    with _folder_of(path) as root:
        return _read_folder(path, root, input_shape), _folder_labels(root)


def _folder_labels(root: Path) -> NDArray[np.int64] | None:
    labels = _pictures(root, say_order=True)[2]
    return None if labels is None else np.array([labels[place] for place in _spread(len(labels))], np.int64)


def _read_folder(path: Path, root: Path, input_shape: tuple[int, int, int]) -> Images:
    """The pictures to calibrate with; says which are not used. `path` is what the user gave."""
    from tinyproof.class_folders import unused_files
    from tinyproof.pictures import SUFFIXES, Oddities, read_pictures

    part, files, _ = _pictures(root)
    if part:
        console.print(f"{path}: the pictures of {part}/ are used, the others are not", markup=False)
    if unused := unused_files(root, files):
        console.print(f"{path}: not used: {unused}", markup=False)
    if not files:
        raise UserError(f"{root} holds no pictures ({' '.join(SUFFIXES)}) to calibrate with; name another folder")
    oddities = Oddities()
    chosen = [files[i] for i in _spread(len(files))]
    images = read_pictures(chosen, input_shape[:2], input_shape[2] == 3, oddities)
    if odd := oddities.in_words():
        console.print(f"{path}{odd}", markup=False)
    return images


@contextlib.contextmanager
def _folder_of(path: Path) -> Iterator[Path]:
    """The folder itself, or what an archive holds."""
    from tinyproof.archives import unpacked

    if path.is_dir():
        yield path
    else:
        with unpacked(path) as root:
            yield root


def holds_pictures(path: Path) -> bool:
    """Whether it is a folder, or an archive that is not one of arrays."""
    from tinyproof.archives import is_archive

    return path.is_dir() or (path.suffix.lower() not in (".npz", ".npy") and is_archive(path))


def _numbers(path: Path, array: NDArray[np.generic]) -> Numbers:
    """Samples as float32. UserError for what is not finite numbers, or the same number all over."""
    if array.dtype.kind not in "fiu":
        raise UserError(
            f"{path} holds {array.dtype}, not numbers: save images as uint8, other samples with astype('float32')"
        )
    with np.errstate(over="ignore"):
        numbers = np.asarray(array.astype(np.float32))
    if not np.isfinite(numbers).all():
        sample = int(np.argmin(np.isfinite(numbers).reshape(len(numbers), -1).all(1)))
        raise UserError(f"{path} holds NaN or infinite values (sample {sample} of those used): leave such samples out")
    if numbers.min() == numbers.max():
        raise UserError(
            f"{path}: every value is {numbers.min():g}, from which no range can be taken: give samples that the "
            "network was trained on"
        )
    return numbers


def calibration_labels(path: Path) -> NDArray[np.int64] | None:
    """The labels (n,) of those images: of an .npz that holds x and y, or which class folder, by name, a picture lies
    in. None where there are none.
    """
    if holds_pictures(path):
        with _folder_of(path) as root:
            return _folder_labels(root)
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return None
        keys = _keys(found.files)
        if keys is None or not keys[1]:
            return None
        x, y = found[keys[0]], found[keys[1]]
    except NPZ_DAMAGE:
        return None
    if y.dtype.kind in "US" and y.ndim == 1:
        names, y = np.unique(y, return_inverse=True)
        console.print(f"{path.name}: classes count in the order {', '.join(map(str, names))}", markup=False)
    y = _class_numbers(y)
    if y is None:
        return None
    if len(x) != len(y):
        raise UserError(
            f"{path} holds {len(x)} samples {keys[0]} and {len(y)} labels {keys[1]}: give each sample one label"
        )
    if y.min(initial=0) < 0:
        raise UserError(f"{path} holds the label {y.min()}: number the classes from 0 on, or save x without y")
    return np.asarray(y[_spread(len(y))], np.int64)


def _keys(names: Sequence[str]) -> tuple[str, str] | None:
    """What samples and labels are called in an .npz, '' for labels that are not there; None where that is not known."""
    known = {name.lower(): name for name in names}
    for x, y in PAIRS:
        if x in known and y in known:
            return known[x], known[y]
    return (names[0], "") if len(names) == 1 else None


def _class_numbers(y: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """Labels (n,) of whole numbers, also as floats, as (n,1) or as rows with a single one; None for anything else."""
    if y.dtype.kind not in "biuf" or y.ndim not in (1, 2):
        return None
    values = y.astype(np.float64)
    if y.ndim == 2 and y.shape[1] > 1:
        is_one_hot = bool(np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all())
        return np.asarray(values.argmax(1), np.int64) if is_one_hot else None
    values = values.reshape(-1)
    return values.astype(np.int64) if bool((values == np.rint(values)).all() and (abs(values) < 2**31).all()) else None


def check_calibration(path: Path) -> None:
    """Raise UserError where there is nothing of that name: known before TensorFlow is waited for."""
    if not path.exists():
        raise UserError(
            f"{path} does not exist: give {advice.setting('calibration')}, a folder of pictures or an .npy of images "
            "uint8 (N,H,W,C) or of other samples float32, "
            "such as a few hundred of those the network was trained on"
        )


def _pictures(root: Path, say_order: bool = False) -> tuple[str, list[Path], list[int] | None]:
    """The name of the folder whose pictures are used, where it is one part of several; these; and their classes where
    every picture is of one.
    """
    from tinyproof.class_folders import lay_out, pictures_below, training_folder

    try:
        layout = lay_out(root)
    except UserError:  # no classes to learn from, which calibrating does not need
        folder = training_folder(root)
        return "" if folder == root else folder.name, pictures_below(folder), None
    pictures = layout.parts["train"]
    part = layout.folders["train"] if len(layout.parts) > 1 or layout.folders["train"] != root.name else ""
    names = layout.class_names
    if say_order and all(map(str.isdecimal, names)) and list(names) != sorted(names, key=int):
        console.print(f"{root.name}: classes count in the order {', '.join(names)}, as Keras reads them", markup=False)
    return part, [file for file, _ in pictures], [label for _, label in pictures]


def _read_array(path: Path) -> NDArray[np.generic]:
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found as archive:
            names = archive.files
            keys = _keys(names)
            if keys is None:
                held = ", ".join(names) or "nothing"
                raise UserError(f"{path} holds {held}: give a file with one array, or with x (samples) and y (labels)")
            if len(names) > 2:
                console.print(f"{path}: {keys[0]} and {keys[1]} are used, the others are not", markup=False)
            array: NDArray[np.generic] = archive[keys[0]]
            return array
    except NPZ_DAMAGE:
        raise UserError(f"{path} {_what_else(path)}") from None


def _what_else(path: Path) -> str:
    """What a file is that holds no array, and what to do, in words that follow its name."""
    from tinyproof.class_folders import TABLES, is_picture

    if is_picture(path):
        return "is one picture: give the folder of some hundreds of those that the network was trained on"
    if path.suffix.lower() in TABLES:
        load = "numpy.loadtxt(file, delimiter=',', dtype='float32')"
        return f"cannot be read as an array: of a table make one, numpy.save('samples.npy', {load})"
    return "cannot be read as an array of numbers: save it with numpy.save"


def _spread(count: int) -> list[int]:
    """At most 500 of so many places, evenly over all of them."""
    step = max(1.0, count / MOST_IMAGES)
    return [int(place * step) for place in range(min(count, MOST_IMAGES))]
