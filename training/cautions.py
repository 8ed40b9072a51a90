"""What a set of pictures lets one doubt about the accuracy that comes of it, though it can be trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 16  # pixels a side
ALIKE = 0.98  # correlation of two thumbnails that are looked at more closely
CLOSE = 0.15  # of a thumbnail's deviation: two of one picture, saved twice or made smaller, differ by less everywhere
FLAT = 3.0  # grey levels: a thumbnail whose deviation is below it looks like any other
MOST_COMPARED = 4_000  # pictures: all are held against all
AT_ONCE = 256  # of these, against all
ALL_GREY = 0.98


def cautions(
    images: NDArray[np.uint8],
    labels: NDArray[np.int32],
    class_names: Sequence[str],
    parts: dict[str, NDArray[np.int64]],
    names: Sequence[str],
) -> list[str]:
    """One line for each doubt. images uint8 (N,H,W,C); `parts` are rows, `names` what to call each row."""
    grey = _grey_classes(images, labels, class_names)
    return [*_like_names(class_names), *([grey] if grey else []), *_near_copies(images, labels, parts, names)]


def _like_names(class_names: Sequence[str]) -> list[str]:
    """Classes that are two by a slip: their names differ in capitals or spaces. Single letters are told apart so."""
    first: dict[str, str] = {}
    lines = []
    for name in class_names:
        bare = re.sub(r"[\W_]+", "", name).casefold()
        other = first.setdefault(bare, name)
        if other != name and len(bare) > 1:
            lines.append(
                f"Caution: '{other}' and '{name}' are two classes whose names differ in capitals or spaces alone: if "
                "they are one, put their pictures into one folder"
            )
    return lines


def _grey_classes(images: NDArray[np.uint8], labels: NDArray[np.int32], class_names: Sequence[str]) -> str:
    """Where some classes are all grey and others all in colour, a network learns nothing else."""
    if images.shape[3] == 1:
        return ""
    grey = (images.max(axis=3).astype(int) - images.min(axis=3) <= 2).all(axis=(1, 2))
    shares = np.array([grey[labels == k].mean() for k in range(len(class_names))])
    if shares.max() < ALL_GREY or shares.min() > 1 - ALL_GREY:
        return ""
    return (
        f"Caution: the pictures of '{class_names[int(shares.argmax())]}' are grey, those of "
        f"'{class_names[int(shares.argmin())]}' in colour: the network may learn just that; give all classes the same"
    )


def _near_copies(
    images: NDArray[np.uint8], labels: NDArray[np.int32], parts: dict[str, NDArray[np.int64]], names: Sequence[str]
) -> list[str]:
    """Pictures that another one nearly is, saved anew or made smaller: of another class, or in the test and in another
    part, there also seen in a mirror. Exact copies are dealt with elsewhere.
    """
    rows = np.sort(np.concatenate(list(parts.values())))
    if not 2 <= len(rows) <= MOST_COMPARED:
        return []
    is_test = np.isin(np.arange(len(images)), parts["test"])
    thumbs = _thumbnails(images[rows])
    deviation = thumbs.std(axis=(1, 2))
    rows, thumbs, deviation = (values[deviation >= FLAT] for values in (rows, thumbs, deviation))
    two_classes: list[tuple[int, int]] = []
    in_test: dict[int, int] = {}
    for place, other in _alike(thumbs, deviation, np.arange(len(rows)), False):
        if place < other and labels[rows[place]] != labels[rows[other]]:
            two_classes.append((rows[place], rows[other]))
    tested = np.flatnonzero(is_test[rows])
    for mirrored in (False, True):
        for place, other in _alike(thumbs, deviation, tested, mirrored):
            if labels[rows[place]] == labels[rows[other]] and not is_test[rows[other]]:
                in_test.setdefault(rows[place], rows[other])
    lines = []
    if two_classes:
        a, b = two_classes[0]
        lines.append(
            f"Caution: {len(two_classes)} pairs of pictures look the same and are of two classes, such as {names[a]} "
            f"and {names[b]}: no network can tell them apart; see which class is right"
        )
    if in_test:
        a, b = next(iter(in_test.items()))
        lines.append(
            f"Caution: {len(in_test)} test pictures look the same as one that is trained or validated with, such as "
            f"{names[a]} and {names[b]}: the accuracy is flattered; keep such pictures in one part"
        )
    return lines


def _alike(
    thumbs: NDArray[np.float32], deviation: NDArray[np.float32], places: NDArray[np.int64], mirrored: bool
) -> Iterator[tuple[int, int]]:
    """(one of `places`, another place whose thumbnail is that of the first all over, or that of its mirrored one): a
    fixed camera's backgrounds alone are not.
    """
    flat = thumbs.reshape(len(thumbs), prod(thumbs.shape[1:]))  # of none at all, too
    for block in (places[at : at + AT_ONCE] for at in range(0, len(places), AT_ONCE)):
        some = (thumbs[block, :, ::-1] if mirrored else thumbs[block]).reshape(len(block), -1)
        correlation = some @ flat.T / (flat.shape[1] * np.outer(deviation[block], deviation))
        for place, one, alike in zip(block.tolist(), some, correlation > ALIKE, strict=True):
            others = np.flatnonzero(alike)
            difference = np.abs(flat[others] - one).max(axis=1)
            yield from ((place, other) for other in others[difference < CLOSE * deviation[place]] if other != place)


def _thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey thumbnails (N,16,16) of images (N,H,W,C), each less its mean; every pixel counts by its area."""
    grey = images.mean(axis=3, dtype=np.float32)
    down, right = (_averaging(side) for side in images.shape[1:3])
    thumbs: NDArray[np.float32] = down @ grey @ right.T
    thumbs -= thumbs.mean(axis=(1, 2), keepdims=True)
    return thumbs


def _averaging(side: int) -> NDArray[np.float32]:
    """The matrix (16,side) that averages so many pixels to 16."""
    edges = np.linspace(0, side, THUMBNAIL + 1)
    pixel = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.clip(overlap, 0, None) * THUMBNAIL / side, np.float32)
