"""What the network looks at, as far as a patch that is moved over its pictures tells."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreMap:
    """How the score of class `of` falls while a patch covers a part of the picture.

    `fall` is base64 of int8 (rows, columns) of the `Explanation`: 127 where it falls most, negative where it rises.
    `most` is the largest change, in steps of the score's int8; 0: no single spot matters.
    """

    of: int
    most: int
    fall: str


@dataclass(frozen=True)
class PictureMaps:
    """One sample, its label, the class that the network takes it for, and maps of one or both of them."""

    sample: int
    label: int
    taken: int
    maps: list[ScoreMap]


@dataclass(frozen=True)
class ClassPictures:
    """The pictures of class `label` that the network is surest of, of `right` that it recognises of all `samples`."""

    label: int
    samples: int
    right: int
    pictures: list[PictureMaps]


@dataclass(frozen=True)
class Explanation:
    """Occlusion maps of the int8 model, by Python's interpreter `computed_by`; a `why_none` says why there are none.

    A patch of `patch` pixels (height, width) stood at the middle of each of `rows` x `columns` cells. `score` is what
    was read: "before softmax" where the model ends with one, else "output". `left_out` pictures were beyond the budget.
    """

    why_none: str = ""
    computed_by: str = ""
    score: str = ""
    patch: tuple[int, int] = (0, 0)
    rows: int = 0
    columns: int = 0
    inferences: int = 0
    seconds: float = 0.0
    left_out: int = 0
    wrong: tuple[PictureMaps, ...] = ()
    classes: tuple[ClassPictures, ...] = ()
    classes_in_all: int = 0
