"""The sets of labelled images that a network can be trained on, each cut once into training, validation and test rows.

The cut never depends on the seed of a training run, so that runs can be compared. Loading needs no TensorFlow, except
that Fashion-MNIST comes through Keras' download where no copy is at hand.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from host.console import UserError
from training.files import NPZ_DAMAGE

if TYPE_CHECKING:
    from training.image_folder import ImageFolder

SPLIT_SEED = 2014
DATA_VARIABLE = "TINYPROOF_DATA"  # a folder with copies of the public data sets
FASHION_FILE = "fashion_mnist.npz"
FASHION_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Dataset:
    """Labelled images and the rows to train on, to watch training with, and to test with once at the end."""

    name: str  # fit for a file name
    origin: str  # for people: where the images come from and how they were cut
    images: NDArray[np.uint8]  # (N,H,W,C), C = 1 or 3
    labels: NDArray[np.int32]  # (N,), indices into class_names
    class_names: tuple[str, ...]
    train: Rows
    validation: Rows
    test: Rows

    def __post_init__(self) -> None:
        """Refuse parts that do not use each row exactly once: no later stage could tell."""
        rows = np.concatenate([self.train, self.validation, self.test])
        if not np.array_equal(np.sort(rows), np.arange(len(self.images))) or len(self.labels) != len(self.images):
            raise ValueError(f"{self.name}: training, validation and test must use each row exactly once")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels


def take_stratified(labels: NDArray[np.int32], rows: Rows, count: int) -> tuple[Rows, Rows]:
    """Deal `count` of the rows out by lot: return (taken, left), each sorted.

    Every class gives the same share to within one row, and at least one if `count` is not below the number of classes.
    """
    shuffled = np.random.default_rng(SPLIT_SEED).permutation(rows)
    progress = np.empty(len(rows))  # how much of its own class comes before a row: 0 for the first of each class
    for label in np.unique(labels[rows]):
        members = np.flatnonzero(labels[shuffled] == label)
        progress[members] = np.arange(len(members)) / len(members)
    dealt = shuffled[np.argsort(progress, kind="stable")]
    return np.sort(dealt[:count]), np.sort(dealt[count:])


def digits() -> Dataset:
    """Return scikit-learn's 1,797 handwritten digits as 28x28 images, cut 70/10/20.

    The 8x8 originals touch their edges. Enlarged bilinearly to 20x20 in the middle of 28x28, as MNIST has it, their
    strokes stay inside what unpadded 3x3 convolutions see in full. The 17 greys become 0..255.
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    levels = np.rint(small.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    images = np.zeros((len(levels), 28, 28, 1), np.uint8)
    for image, level in zip(images, levels, strict=True):
        image[4:24, 4:24, 0] = np.asarray(Image.fromarray(level).resize((20, 20), Image.Resampling.BILINEAR))
    labels = labels.astype(np.int32)
    rows = np.arange(len(labels))
    test, rest = take_stratified(labels, rows, round(0.2 * len(rows)))
    validation, train = take_stratified(labels, rest, round(0.1 * len(rows)))
    return Dataset(
        name="digits",
        origin="scikit-learn's handwritten digits, 8x8 enlarged to 20x20 within 28x28, cut 70/10/20",
        images=images,
        labels=labels,
        class_names=tuple("0123456789"),
        train=train,
        validation=validation,
        test=test,
    )


def fashion_mnist() -> Dataset:
    """Return Fashion-MNIST: its own 10,000 test images, and a tenth of the 60,000 others for validation.

    Read from `fashion_mnist.npz` in the folder that $TINYPROOF_DATA names, else through Keras' download and its cache.
    UserError if the file is damaged or the download fails.
    """
    path = Path(os.environ.get(DATA_VARIABLE, "")) / FASHION_FILE
    if os.environ.get(DATA_VARIABLE) and path.is_file():
        x_train, y_train, x_test, y_test = _read_fashion(path)
    else:
        x_train, y_train, x_test, y_test = _download_fashion()
    labels = np.concatenate([y_train, y_test]).astype(np.int32)
    rows = np.arange(len(labels))
    validation, train = take_stratified(labels, rows[: len(y_train)], len(y_train) // 10)
    return Dataset(
        name="fashion_mnist",
        origin="Fashion-MNIST with its own test images; a tenth of the others is for validation",
        images=np.concatenate([x_train, x_test])[..., np.newaxis],
        labels=labels,
        class_names=FASHION_NAMES,
        train=train,
        validation=validation,
        test=rows[len(y_train) :],
    )


def from_folder(root: Path, size: tuple[int, int] = (28, 28), color: bool | None = None) -> Dataset:
    """Return the pictures of a folder, stretched to `size` (height, width); see `read_image_folder` for the layouts.

    A flat folder is cut 70/15/15. A folder with train/, validation/ and test/ is used as it is; if it has no test/,
    validation/ is kept for the test, and whatever part is then missing is carved out of train/. UserError if the
    folder holds nothing to learn from, or too few pictures of a class to cut.
    """
    from training.image_folder import read_image_folder

    pictures = read_image_folder(root, size, color)
    parts, cut = _complete(root, pictures)
    return Dataset(
        name=re.sub(r"[^a-z0-9]+", "_", root.resolve().name.lower()).strip("_") or "pictures",
        origin=f"{len(pictures.images):,} pictures in {root}; {cut}",
        images=pictures.images,
        labels=pictures.labels,
        class_names=pictures.class_names,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
    )


BUILT_IN: dict[str, Callable[[], Dataset]] = {"digits": digits, "fashion_mnist": fashion_mnist}


def load_dataset(name_or_path: str, size: tuple[int, int] | None = None, color: bool | None = None) -> Dataset:
    """Return a built-in data set by name, or the pictures of a folder by path.

    `size` (height, width; default 28x28) and `color` (default: as the pictures are) apply to folders alone. UserError
    if there is no such set, or if it cannot be used as asked.
    """
    root = Path(name_or_path)
    if name_or_path in BUILT_IN:
        if size is not None or color is not None:
            raise UserError(f"{name_or_path} is 28x28 and grey: size and colour can be chosen for a folder only")
        return BUILT_IN[name_or_path]()
    if not root.is_dir():
        known = ", ".join(BUILT_IN)
        raise UserError(f"unknown data set {name_or_path!r}: give {known}, or a folder with one sub-folder a class")
    try:
        return from_folder(root, size or (28, 28), color)
    except PermissionError as error:
        raise UserError(f"{error.filename} may not be read: change its permissions") from error


def _complete(root: Path, pictures: ImageFolder) -> tuple[dict[str, Rows], str]:
    """Return train, validation and test rows, carving what the folder lacks out of train, and a clause on how."""
    parts = dict(pictures.parts)
    if set(parts) == {"train"}:
        cut = "cut 70/15/15"
    elif set(parts) == {"train", "validation"}:
        parts["test"] = parts.pop("validation")
        cut = "validation/ is the test set, since there is no test/; validation is 15 % of train/"
    elif set(parts) == {"train", "test"}:
        cut = "cut as its sub-folders are; validation is 15 % of train/"
    else:
        cut = "cut as its sub-folders are"

    carved = [part for part in ("test", "validation") if part not in parts]
    per_class = np.bincount(pictures.labels[parts["train"]])
    if per_class.min() <= len(carved):
        name, needed = pictures.class_names[int(per_class.argmin())], len(carved) + 1
        raise UserError(f"{root}: class {name!r} has {per_class.min()} pictures to train on; it needs {needed} or more")
    count = max(round(0.15 * per_class.sum()), len(per_class))
    for part in carved:
        parts[part], parts["train"] = take_stratified(pictures.labels, parts["train"], count)
    return parts, cut


def _read_fashion(path: Path) -> tuple[NDArray[np.uint8], ...]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            x_train, y_train, x_test, y_test = (archive[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    except NPZ_DAMAGE as error:
        raise UserError(f"{path} is damaged: replace it, or unset {DATA_VARIABLE} to download the data") from error
    for images, labels in ((x_train, y_train), (x_test, y_test)):
        is_fashion = images.dtype == np.uint8 and images.shape == (*labels.shape, 28, 28)
        if not is_fashion or not np.array_equal(np.unique(labels), np.arange(10)):
            raise UserError(f"{path} is not Fashion-MNIST: replace it, or unset {DATA_VARIABLE} to download the data")
    return x_train, y_train, x_test, y_test


def _download_fashion() -> tuple[NDArray[np.uint8], ...]:
    from training.backend import load_keras

    keras = load_keras()
    with _DownloadFailure():
        (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    return x_train, y_train, x_test, y_test


class _DownloadFailure:
    """Turns a failed download into one line. Keras reports it as a bare `Exception`; its subclasses are other faults.

    A cached file that was cut short shows as an OSError, EOFError or ValueError when it is unpacked.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is Exception or isinstance(error, (OSError, EOFError, ValueError, zlib.error)):
            raise UserError(
                f"Fashion-MNIST could not be downloaded: connect to the network, or put {FASHION_FILE} in a folder and "
                f"set {DATA_VARIABLE} to it, or use digits"
            ) from error
