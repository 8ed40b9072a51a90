"""Reads a folder of pictures, one sub-folder a class, into arrays of one size.

The layouts are those of `tinyproof.class_folders`: class folders directly (`photos/cat/*.jpg`), within folders for
training, validation and test, or around these. Deeper folders are read too; files of no use are counted by kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.class_folders import lay_out, unused_files
from tinyproof.pictures import Oddities, read_pictures


@dataclass(frozen=True)
class ImageFolder:
    """Every picture of a folder, and which rows lay in train/, validation/ and test/ (a flat folder: all in train)."""

    images: NDArray[np.uint8]  # (N,H,W,C), C = 1 or 3
    labels: NDArray[np.int32]  # (N,), indices into class_names
    class_names: tuple[str, ...]
    parts: dict[str, NDArray[np.int64]]
    files: list[Path]
    folders: dict[str, str]  # the folder's name of each part
    unused: str  # files that are not read, by kind
    oddities: Oddities


def read_image_folder(root: Path, size: tuple[int, int], color: bool | None) -> ImageFolder:
    """Read every picture under `root`, stretched to `size` (height, width).

    `color` asks for three channels or for one; None keeps colour if any picture has some. Transparent pixels show
    white. Classes are the names of their folders, sorted. UserError if there is nothing sensible to learn from.
    """
    layout = lay_out(root)
    files: list[Path] = []
    labels: list[int] = []
    parts: dict[str, NDArray[np.int64]] = {}
    for part, pictures in layout.parts.items():
        parts[part] = np.arange(len(files), len(files) + len(pictures))
        files += [path for path, _ in pictures]
        labels += [label for _, label in pictures]
    oddities = Oddities()
    images = read_pictures(files, size, color, oddities)
    unused = unused_files(root, files)
    return ImageFolder(
        images, np.array(labels, np.int32), layout.class_names, parts, files, layout.folders, unused, oddities
    )
