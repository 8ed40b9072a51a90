"""The data sets known by name: where each comes from, and which of its images are the test's.

A copy in the folder that $TINYPROOF_DATA names comes first; without one Keras downloads the set, or reads its cache.
Loading needs no TensorFlow, except for that.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.environment import DATA_VARIABLE, data_folder
from tinyproof.model_files import NPZ_DAMAGE
from tinyproof.training.splits import Dataset, take_stratified

DIGIT_NAMES = tuple("0123456789")


@dataclass(frozen=True)
class PublicSet:
    """A set of ten classes with test images of its own; `<name>.npz` holds x_train, y_train, x_test and y_test."""

    name: str  # also Keras' name of its loader
    title: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    mirror: bool

    @property
    def file(self) -> str:
        """The name of a copy."""
        return f"{self.name}.npz"


PUBLIC_SETS = {
    public.name: public
    for public in (
        PublicSet("mnist", "MNIST", (28, 28, 1), DIGIT_NAMES, mirror=False),
        PublicSet(
            "fashion_mnist",
            "Fashion-MNIST",
            (28, 28, 1),
            (
                *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
                *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            ),
            mirror=True,
        ),
        PublicSet(
            "cifar10",
            "CIFAR-10",
            (32, 32, 3),
            ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
            mirror=True,
        ),
    )
}


def load_digits() -> Dataset:
    """Return scikit-learn's 1,797 handwritten digits as 28x28 images, cut 70/10/20.

    The 8x8 originals touch their edges. Enlarged bilinearly to 20x20 in the middle of 28x28, as MNIST has it, their
    strokes stay inside what unpadded 3x3 convolutions see in full. The 17 greys become 0..255.
    """
    from PIL import Image
    from sklearn import datasets

    small, labels = datasets.load_digits(return_X_y=True)
    levels = np.rint(small.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    images = np.zeros((len(levels), 28, 28, 1), np.uint8)
    for image, level in zip(images, levels, strict=True):
        image[4:24, 4:24, 0] = np.asarray(Image.fromarray(level).resize((20, 20), Image.Resampling.BILINEAR))
    labels = labels.astype(np.int32)
    test, rest = take_stratified(labels, np.arange(len(labels)), round(0.2 * len(labels)))
    validation, train = take_stratified(labels, rest, round(0.1 * len(labels)))
    return Dataset(
        name="digits",
        origin="scikit-learn's handwritten digits, 8x8 enlarged to 20x20 within 28x28, cut 70/10/20",
        images=images,
        labels=labels,
        class_names=DIGIT_NAMES,
        train=train,
        validation=validation,
        test=test,
    )


def public_file(public: PublicSet) -> Path | None:
    """The copy of a public set in the user's data folder; None where there is none."""
    folder = data_folder()
    return folder / public.file if folder and (folder / public.file).is_file() else None


def load_public(public: PublicSet) -> Dataset:
    """Return a public set: its own test images, and a tenth of the others for validation.

    UserError if the copy is damaged or the download fails.
    """
    if path := public_file(public):
        x_train, y_train, x_test, y_test = _read(path, public)
    else:
        x_train, y_train, x_test, y_test = _download(public)
    labels = np.concatenate([y_train, y_test]).astype(np.int32).reshape(-1)
    rows = np.arange(len(labels))
    validation, train = take_stratified(labels, rows[: len(y_train)], len(y_train) // 10)
    return Dataset(
        name=public.name,
        origin=f"{public.title} with its own test images; a tenth of the others is for validation",
        images=np.concatenate([x_train, x_test]).reshape(-1, *public.image_shape),
        labels=labels,
        class_names=public.class_names,
        train=train,
        validation=validation,
        test=rows[len(y_train) :],
        mirror=public.mirror,
    )


def _read(path: Path, public: PublicSet) -> tuple[NDArray[np.uint8], ...]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            x_train, y_train, x_test, y_test = (archive[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    except NPZ_DAMAGE as error:
        raise UserError(f"{path} is damaged: replace it, or unset {DATA_VARIABLE} to download the data") from error
    pixels = int(np.prod(public.image_shape))
    for images, labels in ((x_train, y_train), (x_test, y_test)):
        fits = images.dtype == np.uint8 and images.shape[1:3] == public.image_shape[:2]
        fits = fits and images.size == labels.size * pixels
        if not fits or not np.array_equal(np.unique(labels), np.arange(len(public.class_names))):
            raise UserError(f"{path} is not {public.title}: replace it, or unset {DATA_VARIABLE} to download the data")
    return x_train, y_train, x_test, y_test


def _download(public: PublicSet) -> tuple[NDArray[np.uint8], ...]:
    from tinyproof.backend import load_keras

    loader = getattr(load_keras().datasets, public.name, None)
    if loader is None:
        raise UserError(f"Keras has no {public.title}: put {public.file} in a folder and set {DATA_VARIABLE} to it")
    with _DownloadFailure(public):
        (x_train, y_train), (x_test, y_test) = loader.load_data()
    return x_train, y_train, x_test, y_test


class _DownloadFailure:
    """Turns a failed download into one line. Keras reports it as a bare `Exception`; its subclasses are other faults.

    A cached file that was cut short shows as an OSError, EOFError or ValueError when it is unpacked.
    """

    def __init__(self, public: PublicSet) -> None:
        self._public = public

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is Exception or isinstance(error, (OSError, EOFError, ValueError, zlib.error)):
            raise UserError(
                f"{self._public.title} could not be downloaded: connect to the network, or put {self._public.file} in "
                f"a folder and set {DATA_VARIABLE} to it, or use digits"
            ) from error
