"""Reads a folder of pictures, one sub-folder a class, into arrays of one size.

Two layouts: class folders directly (`photos/cat/*.jpg`), or class folders inside folders for training, validation and
test, under any of their usual names. Deeper folders are read too; files that are no pictures are counted by kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.class_folders import PARTS, files_below, part_folders, pictures_below, sub_folders
from tinyproof.console import UserError
from tinyproof.model_files import is_label
from tinyproof.pictures import SUFFIXES, count_unused, read_pictures


@dataclass(frozen=True)
class ImageFolder:
    """Every picture of a folder, and which rows lay in train/, validation/ and test/ (a flat folder: all in train)."""

    images: NDArray[np.uint8]  # (N,H,W,C), C = 1 or 3
    labels: NDArray[np.int32]  # (N,), indices into class_names
    class_names: tuple[str, ...]
    parts: dict[str, NDArray[np.int64]]
    files: list[Path]
    folders: dict[str, str]  # the folder's name of each part
    unused: str  # files that are no pictures, counted by kind


def read_image_folder(root: Path, size: tuple[int, int], color: bool | None) -> ImageFolder:
    """Read every picture under `root`, stretched to `size` (height, width).

    `color` asks for three channels or for one; None keeps colour if any picture has some. Transparent pixels show
    white. Classes are the names of their folders, sorted. UserError if there is nothing sensible to learn from.
    """
    owned = _owners_parts(root)
    class_names = _class_names(root, owned)
    files: list[Path] = []
    labels: list[int] = []
    parts: dict[str, NDArray[np.int64]] = {}
    for part, folder in owned.items():
        start = len(files)
        for label, class_name in enumerate(class_names):
            pictures = pictures_below(folder / class_name)
            files += pictures
            labels += [label] * len(pictures)
        parts[part] = np.arange(start, len(files))
    images = read_pictures(files, size, color)
    folders = {part: folder.name for part, folder in owned.items()}
    unused = count_unused(sorted(set(files_below(root)) - set(files)))
    return ImageFolder(images, np.array(labels, np.int32), class_names, parts, files, folders, unused)


def _owners_parts(root: Path) -> dict[str, Path]:
    """Which folder holds the classes of which part: the sub-folders of that name, or `root` alone if it is flat."""
    found: dict[str, Path] = {}
    for part in PARTS:
        folders = part_folders(root, part)
        if len(folders) > 1:
            raise UserError(f"{root} has {' and '.join(f'{f.name}/' for f in folders)} for {part}: leave one of them")
        found.update((part, folder) for folder in folders)
    if "train" not in found:
        return {"train": root}
    if len(found) == 1:
        train = found["train"]
        raise UserError(f"{root} has {train.name}/ but neither validation/ nor test/: give {train} to have it cut")
    return found


def _class_names(root: Path, owned: dict[str, Path]) -> tuple[str, ...]:
    """Return the class names, sorted: the same in each part, every class with pictures in each part."""
    names = sub_folders(owned["train"])
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise UserError(f"{root} needs a sub-folder of pictures for each of two or more classes; it has {found}")
    for folder in owned.values():
        odd = set(names) ^ set(sub_folders(folder))
        if odd:
            first = owned["train"].name
            raise UserError(
                f"{root}: class {min(odd)!r} is in one of {first}/ and {folder.name}/ only; give both the same"
            )
        for name in names:
            if not is_label(name):
                raise UserError(f"{folder}: {name!r} cannot be a class name; rename the folder to printable text")
            if not pictures_below(folder / name):
                raise UserError(f"{folder / name} holds no pictures ({' '.join(SUFFIXES)}); add some or remove it")
    return tuple(names)
