"""Any set of labelled images that a network can be trained on: by name, as a folder of pictures, or as a zip of one.

Whatever it comes from, no image is in two parts of it (see `training.splits`).
"""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.folders import dataset_name
from tinyproof.training.public_sets import PUBLIC_SETS, load_digits, load_public, public_file
from tinyproof.training.splits import Dataset, Rows, take_stratified, without_copies

if TYPE_CHECKING:
    from tinyproof.training.image_folder import ImageFolder

LABELS_NAMED = 10
# zipfile reports damage with whatever it tripped over.
ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError)
LARGEST_ZIP = 8 << 30  # bytes unpacked
BUILT_IN: dict[str, Callable[[], Dataset]] = {
    "digits": load_digits,
    **{name: partial(load_public, public) for name, public in PUBLIC_SETS.items()},
}


def load_dataset(
    name_or_path: str, size: tuple[int, int] | None = None, color: bool | None = None, side: int = 28
) -> Dataset:
    """Return a built-in data set by name, or the pictures of a folder or a zip by path.

    `size` (height, width; `side` each where none is asked for) and `color` (default: as the pictures are) apply to
    pictures alone. UserError if there is no such set, or if it cannot be used as asked.
    """
    root = Path(name_or_path)
    if name_or_path in BUILT_IN:
        if size is not None or color is not None:
            raise UserError(f"{name_or_path} has its own size and colour: they can be chosen for a folder only")
        return without_copies(BUILT_IN[name_or_path]())
    size = size or (side, side)
    if root.is_file() and zipfile.is_zipfile(root):
        return from_zip(root, size, color)
    if root.is_file():
        cut = " or one that is cut" if root.suffix.lower() == ".zip" else ""
        raise UserError(f"{root} is no zip archive{cut}: give a folder with one sub-folder a class, or a zip of one")
    if not root.is_dir():
        known = ", ".join(BUILT_IN)
        meant = advice.did_you_mean(name_or_path, BUILT_IN)
        raise UserError(
            f"unknown data set {name_or_path!r}: give {known}, or a folder with one sub-folder a class{meant}"
        )
    try:
        return from_folder(root, size, color)
    except PermissionError as error:
        raise UserError(f"{error.filename} may not be read: change its permissions") from error


def source_of(name_or_path: str) -> Path | None:
    """The file or folder that a data set is read from; None where it is built in or downloaded."""
    if name_or_path in PUBLIC_SETS:
        return public_file(PUBLIC_SETS[name_or_path])
    return None if name_or_path in BUILT_IN else Path(name_or_path)


def from_folder(root: Path, size: tuple[int, int] = (28, 28), color: bool | None = None, source: str = "") -> Dataset:
    """Return the pictures of a folder, stretched to `size` (height, width); see `read_image_folder` for the layouts.

    A flat folder is cut 70/15/15. A folder with train/, validation/ and test/ is used as it is; whatever part is
    missing is carved out of train/. Copies of a picture stay in one part. `source` names the set where the folder is
    not what the user gave. UserError if the folder holds nothing to learn from, or too few pictures of a class to cut.
    """
    from tinyproof.training.image_folder import read_image_folder

    pictures = read_image_folder(root, size, color)
    _refuse_two_labels(source or str(root), pictures)
    parts, cut = _complete(root, pictures)
    if pictures.unused:
        cut += f"; not read as pictures: {pictures.unused}"
    data = Dataset(
        name=dataset_name(source or root),
        origin=f"{len(pictures.images):,} pictures in {source or root}; {cut}",
        images=pictures.images,
        labels=pictures.labels,
        class_names=pictures.class_names,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        mirror=True,
    )
    data = without_copies(data)
    for part in ("train", "validation", "test"):
        counts = np.bincount(data.labels[getattr(data, part)], minlength=len(data.class_names))
        if counts.min() == 0:
            name = data.class_names[int(counts.argmin())]
            raise UserError(f"{source or root}: every {part} picture of class {name!r} is a copy; add other pictures")
    return data


def from_zip(path: Path, size: tuple[int, int] = (28, 28), color: bool | None = None) -> Dataset:
    """The same for a zip of such a folder, with or without one folder around it all. UserError if it is damaged."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / path.stem
        try:
            with zipfile.ZipFile(path) as archive:
                if sum(member.file_size for member in archive.infolist()) > LARGEST_ZIP:
                    raise UserError(f"{path} unpacks to more than {LARGEST_ZIP >> 30} GiB: give the unpacked folder")
                archive.extractall(root)
        except ZIP_DAMAGE as error:
            raise UserError(f"{path} cannot be unpacked ({error}): replace it, or give the unpacked folder") from error
        inside = [folder for folder in root.iterdir() if not folder.name.startswith((".", "__"))]
        if len(inside) == 1 and inside[0].is_dir():
            root = inside[0]
        return from_folder(root, size, color, source=path.name)


def _refuse_two_labels(source: str, pictures: ImageFolder) -> None:
    """Raise UserError where one picture, pixel for pixel, is in two classes: only people know which is right."""
    first: dict[bytes, int] = {}
    pairs = []
    for row, image in enumerate(pictures.images):
        other = first.setdefault(image.tobytes(), row)
        if pictures.labels[other] != pictures.labels[row] and len(np.unique(image)) > 1:
            pairs.append(f"{pictures.files[other]} and {pictures.files[row]}")
    if pairs:
        more = f", and {len(pairs) - LABELS_NAMED} more" if len(pairs) > LABELS_NAMED else ""
        raise UserError(
            f"{source}: {len(pairs)} pictures are under two labels; remove one of each: "
            f"{'; '.join(pairs[:LABELS_NAMED])}{more}"
        )


def _complete(root: Path, pictures: ImageFolder) -> tuple[dict[str, Rows], str]:
    """Return train, validation and test rows, carving what the folder lacks out of train, and a clause on how."""
    parts, names = dict(pictures.parts), pictures.folders
    if set(parts) == {"train"}:
        cut = "cut 70/15/15"
    elif set(parts) == {"train", "validation"}:
        cut = f"{names['train']}/ and {names['validation']}/ as they are; the test set is 15 % of {names['train']}/"
    elif set(parts) == {"train", "test"}:
        cut = f"{names['train']}/ and {names['test']}/ as they are; validation is 15 % of {names['train']}/"
    else:
        cut = " ".join(f"{names[part]}/ is for {part}," for part in ("train", "validation", "test")).rstrip(",")

    carved = [part for part in ("test", "validation") if part not in parts]
    per_class = np.bincount(pictures.labels[parts["train"]])
    if per_class.min() <= len(carved):
        name, needed = pictures.class_names[int(per_class.argmin())], len(carved) + 1
        raise UserError(f"{root}: class {name!r} has {per_class.min()} pictures to train on; it needs {needed} or more")
    count = max(round(0.15 * per_class.sum()), len(per_class))
    for part in carved:
        parts[part], parts["train"] = take_stratified(pictures.labels, parts["train"], count)
    return parts, cut
