"""Reads a folder of pictures, one sub-folder a class, into arrays of one size.

Two layouts: class folders directly (`photos/cat/*.jpg`), or class folders inside folders for training, validation and
test, under any of their usual names. Deeper folders are read too; files that are no pictures are counted by kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.model_files import is_label
from tinyproof.pictures import SUFFIXES, count_unused, read_pictures

# sub-folders with which the owner has cut the set already, in any case
PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "validate"),
    "test": ("test", "testing", "tests", "eval"),
}


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
    part_folders = _part_folders(root)
    class_names = _class_names(root, part_folders)
    files: list[Path] = []
    labels: list[int] = []
    parts: dict[str, NDArray[np.int64]] = {}
    for part, folder in part_folders.items():
        start = len(files)
        for label, class_name in enumerate(class_names):
            pictures = _pictures(folder / class_name)
            files += pictures
            labels += [label] * len(pictures)
        parts[part] = np.arange(start, len(files))
    images = read_pictures(files, size, color)
    folders = {part: folder.name for part, folder in part_folders.items()}
    unused = count_unused(sorted(set(_every_file(root)) - set(files)))
    return ImageFolder(images, np.array(labels, np.int32), class_names, parts, files, folders, unused)


def _part_folders(root: Path) -> dict[str, Path]:
    """Which folder holds the classes of which part: the sub-folders of that name, or `root` alone if it is flat."""
    found: dict[str, Path] = {}
    for part, names in PARTS.items():
        folders = [root / name for name in _folders(root) if name.lower() in names and _folders(root / name)]
        if len(folders) > 1:
            raise UserError(f"{root} has {' and '.join(f'{f.name}/' for f in folders)} for {part}: leave one of them")
        found.update((part, folder) for folder in folders)
    if "train" not in found:
        return {"train": root}
    if len(found) == 1:
        train = found["train"]
        raise UserError(f"{root} has {train.name}/ but neither validation/ nor test/: give {train} to have it cut")
    return found


def _class_names(root: Path, part_folders: dict[str, Path]) -> tuple[str, ...]:
    """Return the class names, sorted: the same in each part, every class with pictures in each part."""
    names = _folders(part_folders["train"])
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise UserError(f"{root} needs a sub-folder of pictures for each of two or more classes; it has {found}")
    for folder in part_folders.values():
        odd = set(names) ^ set(_folders(folder))
        if odd:
            first = part_folders["train"].name
            raise UserError(
                f"{root}: class {min(odd)!r} is in one of {first}/ and {folder.name}/ only; give both the same"
            )
        for name in names:
            if not is_label(name):
                raise UserError(f"{folder}: {name!r} cannot be a class name; rename the folder to printable text")
            if not _pictures(folder / name):
                raise UserError(f"{folder / name} holds no pictures ({' '.join(SUFFIXES)}); add some or remove it")
    return tuple(names)


def _folders(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _pictures(folder: Path) -> list[Path]:
    return [path for path in _every_file(folder) if path.suffix.lower() in SUFFIXES]


def _every_file(folder: Path) -> list[Path]:
    """All files below the folder, but hidden ones and those of archivers."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
    )
