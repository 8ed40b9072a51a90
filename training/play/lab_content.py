"""What the convolution room is told: pictures to filter, and the named filters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.training.lab.filters import NAMED
from tinyproof.training.lab.pictures import BUNDLED
from tinyproof.training.lab.scene import draw_scene
from tinyproof.training.play.face import draw_face
from tinyproof.training.play.packed import packed_pictures


@dataclass(frozen=True)
class PictureContent:
    """A grey picture; `pixels` are packed."""

    name: str
    width: int
    height: int
    pixels: str


@dataclass(frozen=True)
class FilterContent:
    """A filter by name."""

    name: str
    rows: tuple[tuple[float, ...], ...]
    weight: float
    shows: str


@dataclass(frozen=True)
class LabContent:
    """Everything about the room."""

    pictures: tuple[PictureContent, ...]
    filters: tuple[FilterContent, ...]


def lab_content() -> LabContent:
    """The room as the page gets it; the stairwell at half its size."""
    pictures = {BUNDLED: halved(draw_scene()), "face": draw_face()}
    return LabContent(
        pictures=tuple(_picture(name, pixels) for name, pixels in pictures.items()),
        filters=tuple(FilterContent(one.name, one.rows, one.weight, one.shows) for one in NAMED.values()),
    )


def halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of each 2x2.

    >>> halved(np.array([[0, 2], [4, 6]], np.uint8)).tolist()
    [[3]]
    """
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    return np.asarray(np.rint(picture.reshape(height, 2, width, 2).mean((1, 3))), np.uint8)


def _picture(name: str, pixels: NDArray[np.uint8]) -> PictureContent:
    height, width = pixels.shape
    return PictureContent(name, width, height, packed_pictures(pixels[np.newaxis, :, :, np.newaxis]))
