"""Which images are trained on, watched with and tested with; no image, and no copy of one, is in two of these parts.

The cut never depends on the seed of a training run, so that runs can be compared. Needs numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

SPLIT_SEED = 2014
UNEVEN = 1.5  # times as many images of one class as of another

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.empty(0, np.int64)
NO_ROWS.flags.writeable = False


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
    left_out: Rows = field(default_factory=lambda: NO_ROWS)  # copies of images in a later part
    mirror: bool = False  # whether an image seen in a mirror is still of its class
    cautions: tuple[str, ...] = ()  # what one may doubt an accuracy for, a line each

    def __post_init__(self) -> None:
        """Refuse parts that do not use each row exactly once: no later stage could tell."""
        rows = np.concatenate([self.train, self.validation, self.test, self.left_out])
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


def without_copies(data: Dataset) -> Dataset:
    """The same set with no image in two parts: what is pixel for pixel a test image is left out of validation and
    training, what is a validation image out of training. Copies within one part stay.
    """
    where: dict[bytes, str] = {}
    kept: dict[str, list[int]] = {}
    left_out: list[int] = []
    for part in ("test", "validation", "train"):
        kept[part] = []
        for row in getattr(data, part):
            if where.setdefault(data.images[row].tobytes(), part) == part:
                kept[part].append(row)
            else:
                left_out.append(row)
    if not left_out:
        return data
    train, validation, test = (np.array(kept[part], np.int64) for part in ("train", "validation", "test"))
    out = np.sort(np.concatenate([data.left_out, np.array(left_out, np.int64)]))
    return replace(data, train=train, validation=validation, test=test, left_out=out)


def class_weights(data: Dataset) -> NDArray[np.float32] | None:
    """What a training image of each class counts, 1 on average over the images; None where classes are about even.

    The weight goes with the inverse root of how many there are: the inverse itself would follow few images too far.
    """
    counts = np.bincount(data.labels[data.train], minlength=len(data.class_names))
    if counts.max() <= UNEVEN * counts.min():
        return None
    weights = counts**-0.5
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), np.float32)


def class_counts(data: Dataset) -> NDArray[np.int64]:
    """How many images of each class (rows) the training, validation and test parts (columns) hold."""
    size = len(data.class_names)
    return np.stack([np.bincount(data.labels[p], minlength=size) for p in (data.train, data.validation, data.test)], 1)
