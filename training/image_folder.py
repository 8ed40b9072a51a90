"""Reads a folder of pictures, one sub-folder a class, into arrays of one size.

Two layouts: class folders directly (`photos/cat/*.jpg`), or class folders inside `train/`, `validation/` and `test/`.
Hidden files and files that are no pictures are passed over; a picture that cannot be read stops with its name.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from host.console import UserError, track
from training.files import is_label

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
RESAMPLING = Image.Resampling.BILINEAR  # when shrinking, Pillow averages over all the pixels that a new one covers
# Pillow's decoders report damage with whatever they tripped over.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

PARTS = ("train", "validation", "test")  # sub-folders with which the owner has cut the set already


@dataclass(frozen=True)
class ImageFolder:
    """Every picture of a folder, and which rows lay in train/, validation/ and test/ (a flat folder: all in train)."""

    images: NDArray[np.uint8]  # (N,H,W,C), C = 1 or 3
    labels: NDArray[np.int32]  # (N,), indices into class_names
    class_names: tuple[str, ...]
    parts: dict[str, NDArray[np.int64]]


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
    return ImageFolder(images, np.array(labels, np.int32), class_names, parts)


def _part_folders(root: Path) -> dict[str, Path]:
    """Which folder holds the classes of which part: the sub-folders of that name, or `root` alone if it is flat."""
    found = {part: root / part for part in PARTS if _folders(root / part)}
    if "train" not in found:
        return {"train": root}
    if len(found) == 1:
        raise UserError(f"{root} has train/ but neither validation/ nor test/: give {root / 'train'} to have it cut")
    return found


def _class_names(root: Path, part_folders: dict[str, Path]) -> tuple[str, ...]:
    """Return the class names, sorted: the same in each part, every class with pictures in each part."""
    names = _folders(part_folders["train"])
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise UserError(f"{root} needs a sub-folder of pictures for each of two or more classes; it has {found}")
    for part, folder in part_folders.items():
        odd = set(names) ^ set(_folders(folder))
        if odd:
            raise UserError(f"{root}: class {min(odd)!r} is in one of train/ and {part}/ only; give both the same")
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
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def read_pictures(files: Sequence[Path], size: tuple[int, int], color: bool | None) -> NDArray[np.uint8]:
    """The pictures as uint8 (N,H,W,C), stretched to `size`; see `read_image_folder` for `color`."""
    mode = "L" if color is False else "RGB"
    channels = 1 if mode == "L" else 3
    images = np.empty((len(files), *size, channels), np.uint8)
    for row, path in enumerate(track(files, "reading pictures")):
        images[row] = _read(path, size, mode).reshape(*size, channels)
    is_grey = bool((images == images[..., :1]).all())
    return np.ascontiguousarray(images[..., :1]) if color is None and is_grey else images


def _read(path: Path, size: tuple[int, int], mode: str) -> NDArray[np.uint8]:
    height, width = size
    return np.asarray(open_picture(path, mode).resize((width, height), RESAMPLING))


def open_picture(path: Path, mode: str) -> Image.Image:
    """Return the picture upright, over white where it is transparent, as Pillow's mode `L` or `RGB`.

    UserError if the file is no picture of 8 bits a channel.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith(("I", "F")):
                raise UserError(f"{path} has more than 8 bits a channel; save it with 8")
            if image.has_transparency_data:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return image.convert(mode)
    except DAMAGE as error:
        raise UserError(f"{path} cannot be read as a picture: replace or remove it") from error
