"""Any set of labelled images that a network can be trained on: by name, as a folder of pictures, packed, or as arrays.

Whatever it comes from, no image is in two parts of it (see `training.splits`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.archives import is_archive, unpacked
from tinyproof.console import UserError
from tinyproof.folders import dataset_name
from tinyproof.training.array_sets import is_arrays, read_arrays
from tinyproof.training.cautions import cautions
from tinyproof.training.public_sets import PUBLIC_SETS, load_digits, load_public, public_file
from tinyproof.training.splits import Dataset, Rows, take_stratified, without_copies

if TYPE_CHECKING:
    from tinyproof.training.image_folder import ImageFolder

LABELS_NAMED = 10
USABLE = (
    "a folder with one sub-folder of pictures a class, a zip or tar of one, or an .npz with x (images uint8 (N,H,W,C)) "
    "and y (labels)"
)
BUILT_IN: dict[str, Callable[[], Dataset]] = {
    "digits": load_digits,
    **{name: partial(load_public, public) for name, public in PUBLIC_SETS.items()},
}


def load_dataset(
    name_or_path: str, size: tuple[int, int] | None = None, color: bool | None = None, side: int = 28
) -> Dataset:
    """Return a built-in data set by name, or by path the pictures of a folder or archive, or the images of an `.npz`.

    `size` (height, width; `side` each where none is asked for) and `color` (default: as the pictures are) apply to
    pictures alone. UserError if there is no such set, or if it cannot be used as asked.
    """
    if name_or_path in BUILT_IN:
        _no_wishes(name_or_path, size, color)
        return without_copies(BUILT_IN[name_or_path]())
    root = Path(name_or_path).expanduser()
    if root.is_dir():
        return from_folder(root, size or (side, side), color)
    if is_arrays(root):
        _no_wishes(name_or_path, size, color)
        return from_arrays(root)
    if is_archive(root):
        return from_archive(root, size or (side, side), color)
    if root.exists():
        from tinyproof.training.file_kinds import kind_of

        raise UserError(f"{root} is {kind_of(root)}: give {USABLE}")
    if "://" in name_or_path:
        raise UserError(f"{name_or_path} is an address: download it, and give {USABLE}")
    if "/" in name_or_path:
        raise UserError(f"{name_or_path} does not exist: give {', '.join(BUILT_IN)}, or {USABLE}")
    known = ", ".join(BUILT_IN)
    meant = advice.did_you_mean(name_or_path, BUILT_IN)
    raise UserError(f"unknown data set {name_or_path!r}: give {known}, or a folder with one sub-folder a class{meant}")


def _no_wishes(name: str, size: tuple[int, int] | None, color: bool | None) -> None:
    if size is not None or color is not None:
        raise UserError(f"{name} has its own size and colour: they can be chosen for a folder only")


def source_of(name_or_path: str) -> Path | None:
    """The file or folder that a data set is read from; None where it is built in or downloaded."""
    if name_or_path in PUBLIC_SETS:
        return public_file(PUBLIC_SETS[name_or_path])
    return None if name_or_path in BUILT_IN else Path(name_or_path).expanduser()


def from_folder(root: Path, size: tuple[int, int] = (28, 28), color: bool | None = None, source: str = "") -> Dataset:
    """Return the pictures of a folder, stretched to `size` (height, width); see `read_image_folder` for the layouts.

    A folder without parts, or with train/ alone, is cut 70/15/15. One with train/, validation/ and test/ is used as it
    is; whatever part is missing is carved out of train/. Copies of a picture stay in one part. `source` names the set
    where the folder is not what the user gave. UserError if the folder holds nothing to learn from, or too few
    pictures of a class to cut.
    """
    from tinyproof.training.image_folder import read_image_folder

    pictures = read_image_folder(root, size, color)
    _refuse_two_labels(source or str(root), pictures)
    parts, cut = _complete(source or str(root), pictures.labels, pictures.class_names, pictures.parts, pictures.folders)
    if pictures.unused:
        cut += f"; not used: {pictures.unused}"
    origin = f"{len(pictures.images):,} pictures in {source or root}; {cut}{pictures.oddities.in_words()}"
    names = [str(path) for path in pictures.files]
    return _set(source or str(root), origin, pictures.images, pictures.labels, pictures.class_names, parts, names)


def from_archive(path: Path, size: tuple[int, int] = (28, 28), color: bool | None = None) -> Dataset:
    """The same for a zip or tar of such a folder, with or without one folder around it all. UserError if damaged."""
    with unpacked(path) as root:
        return from_folder(root, size, color, source=path.name)


def from_arrays(path: Path) -> Dataset:
    """Return the images of an `.npz`, cut like those of a folder; see `array_sets` for the names of the arrays."""
    found = read_arrays(path)
    parts, cut = _complete(str(path), found.labels, found.class_names, found.parts, found.keys, "")
    origin = f"{len(found.images):,} images in {path}; {cut}{found.done}"
    names = [f"{found.keys[part]}[{row}]" for part, rows in found.parts.items() for row in range(len(rows))]
    return _set(str(path), origin, found.images, found.labels, found.class_names, parts, names)


def _set(
    source: str,
    origin: str,
    images: NDArray[np.uint8],
    labels: NDArray[np.int32],
    class_names: tuple[str, ...],
    parts: dict[str, Rows],
    names: Sequence[str],
) -> Dataset:
    """The set without copies in two parts. UserError where nothing of a class is left in a part."""
    data = without_copies(
        Dataset(
            name=dataset_name(source),
            origin=origin,
            images=images,
            labels=labels,
            class_names=class_names,
            train=parts["train"],
            validation=parts["validation"],
            test=parts["test"],
            mirror=not seen_in_mirror(class_names),
        )
    )
    kept = {part: getattr(data, part) for part in ("train", "validation", "test")}
    for part, rows in kept.items():
        counts = np.bincount(data.labels[rows], minlength=len(data.class_names))
        if part == "train" and counts.min() == 0:
            name = data.class_names[int(counts.argmin())]
            raise UserError(f"{source}: every {part} picture of class {name!r} is a copy; add other pictures")
        if part != "train" and counts.max(initial=0) == 0:
            raise UserError(f"{source}: every {part} picture is a copy; add other pictures")
    return replace(data, cautions=tuple(cautions(images, labels, class_names, kept, names)))


def seen_in_mirror(class_names: Sequence[str]) -> bool:
    """Whether a mirrored picture would be of another class, or of none: signs, and what is told apart by its side.

    >>> seen_in_mirror(["0", "1", "12"]), seen_in_mirror(["turn left", "turn right"]), seen_in_mirror(["cat", "dog"])
    (True, True, False)
    """
    words = {word for name in class_names for word in re.split(r"[\W_]+", name.lower())}
    return all(len(name) == 1 or name.isdigit() for name in class_names) or {"left", "right"} <= words


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


def _complete(
    source: str,
    labels: NDArray[np.int32],
    class_names: Sequence[str],
    given: dict[str, Rows],
    names: dict[str, str],
    slash: str = "/",
) -> tuple[dict[str, Rows], str]:
    """Return train, validation and test rows, carving what is lacking out of train, and a clause on how. `names` are
    those of the parts as given.
    """
    parts = dict(given)
    name = {part: f"{names[part]}{slash}" for part in parts}
    if set(parts) == {"train"}:
        cut = "cut 70/15/15"
    elif set(parts) == {"train", "validation"}:
        cut = f"{name['train']} and {name['validation']} as they are; the test set is 15 % of {name['train']}"
    elif set(parts) == {"train", "test"}:
        cut = f"{name['train']} and {name['test']} as they are; validation is 15 % of {name['train']}"
    else:
        cut = " ".join(f"{name[part]} is for {part}," for part in ("train", "validation", "test")).rstrip(",")

    carved = [part for part in ("test", "validation") if part not in parts]
    per_class = np.bincount(labels[parts["train"]], minlength=len(class_names))
    if per_class.min() <= len(carved):
        rare, needed = class_names[int(per_class.argmin())], len(carved) + 1
        raise UserError(
            f"{source}: class {rare!r} has {per_class.min()} pictures to train on; it needs {needed} or more"
        )
    count = max(round(0.15 * per_class.sum()), len(per_class))
    for part in carved:
        parts[part], parts["train"] = take_stratified(labels, parts["train"], count)
    return parts, cut
