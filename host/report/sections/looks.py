"""What the network looks at: heat over pictures, for confusions and for each class."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from tinyproof.host.record.explanation import ClassPictures, Explanation, PictureMaps, ScoreMap
from tinyproof.host.report.sections.words import class_name, count, percent
from tinyproof.page import Picture, Section, note, strips

SIDE = 64  # pixels of a picture in the page, at most
SPEAKS_FOR, SPEAKS_AGAINST = (255, 140, 0), (70, 160, 255)
STRONGEST = 0.75  # of a colour over the picture
LEVELS = 16  # of the picture below: few, so that a page of maps stays small
DIMMED = 0.7

Pixels = NDArray[np.uint8]


def add_looks(
    section: Section, explanation: Explanation, images: Pixels | None, why_no_images: str, names: list[str]
) -> None:
    """Both galleries, with how their maps were made; or the line that says why there are none."""
    if explanation.why_none or images is None:
        section.add(note(explanation.why_none or why_no_images))
        return
    section.add(_made_how(explanation))
    if explanation.left_out:
        section.add(note(f"{count(explanation.left_out, 'more picture')} would have taken too long on this computer."))
    if explanation.wrong:
        section.sub("Taken for something else")
        rows = [
            (
                f"Sample {one.sample:,}: '{class_name(names, one.label)}', taken for '{class_name(names, one.taken)}'",
                _pictures(one, explanation, images, names),
            )
            for one in explanation.wrong
        ]
        section.add(strips(rows))
    section.sub("Each class at its surest")
    if explanation.classes_in_all > len(explanation.classes):
        section.add(f"The {len(explanation.classes)} of {explanation.classes_in_all} classes that it recognises worst.")
    section.add(strips([(_recognised(one, names), _surest(one, explanation, images)) for one in _shown(explanation)]))


def _made_how(explanation: Explanation) -> str:
    height, width = explanation.patch
    read = "before its softmax" if explanation.score == "before softmax" else "at its output"
    return (
        f"A patch of {width}×{height} pixels in the pictures' median colour covered each part of a picture in turn. "
        "Where it is orange, less then spoke for the class: the network needs that part. Where it is blue, more did. "
        f"Each map has its own scale. The int8 model answered, read {read}, by {explanation.computed_by}: "
        f"{explanation.inferences:,} inferences in {explanation.seconds:.1f} s."
    )


def _shown(explanation: Explanation) -> list[ClassPictures]:
    return [one for one in explanation.classes if one.pictures or not one.right]


def _recognised(one: ClassPictures, names: list[str]) -> str:
    name = f"'{class_name(names, one.label)}': "
    if not one.right:
        return name + f"none of {count(one.samples, 'sample')} is recognised"
    return name + f"{one.right:,} of {one.samples:,} recognised ({percent(one.right / one.samples)})"


def _surest(one: ClassPictures, explanation: Explanation, images: Pixels) -> list[Picture]:
    return [
        _map(each.maps[0], explanation, images[each.sample], f"sample {each.sample:,}", f"sample {each.sample:,}")
        for each in one.pictures
    ]


def _pictures(one: PictureMaps, explanation: Explanation, images: Pixels, names: list[str]) -> list[Picture]:
    """The picture, then a map for each class of interest."""
    picture = shrunk(images[one.sample])
    if picture.shape[2] not in (1, 3):
        picture = picture.mean(axis=2, keepdims=True).astype(np.uint8)
    maps = [
        _map(
            each,
            explanation,
            images[one.sample],
            f"'{class_name(names, each.of)}' in sample {one.sample:,}",
            f"for '{class_name(names, each.of)}'",
        )
        for each in one.maps
    ]
    return [Picture(picture, f"Sample {one.sample:,}", "the picture"), *maps]


def _map(one: ScoreMap, explanation: Explanation, image: Pixels, what: str, caption: str) -> Picture:
    fall = np.frombuffer(base64.b64decode(one.fall), np.int8).reshape(explanation.rows, explanation.columns)
    if not one.most:
        return Picture(heated(image, fall), f"No single spot matters for {what}", f"{caption}: no single spot matters")
    return Picture(heated(image, fall), f"What speaks for {what}: most {place_of(fall)}", caption)


def place_of(fall: NDArray[np.int8]) -> str:
    """Where the score falls most, in words.

    >>> place_of(np.array([[0, 0, 5], [0, 0, 0], [0, 0, 0]], np.int8)), place_of(np.eye(1, dtype=np.int8))
    ('at the top right', 'in the middle')
    """
    row, column = np.unravel_index(int(fall.argmax()), fall.shape)
    down = ("top", "", "bottom")[int(3 * (row + 0.5) / fall.shape[0])]
    across = ("left", "", "right")[int(3 * (column + 0.5) / fall.shape[1])]
    return f"at the {' '.join(filter(None, (down, across)))}" if down or across else "in the middle"


def shrunk(image: Pixels) -> Pixels:
    """Means of blocks, no side longer than SIDE; (H,W,C)."""
    height, width, channels = image.shape
    step = -(-max(height, width) // SIDE)
    rows, columns = height // step or 1, width // step or 1
    blocks = image[: rows * step, : columns * step].reshape(rows, min(step, height), columns, -1, channels)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), np.uint8)


def heated(image: Pixels, fall: NDArray[np.int8]) -> Pixels:
    """The picture (H,W,C) in few dim greys, and over it the falls (rows, columns): uint8 (h,w,3)."""
    grey = np.rint(shrunk(image).mean(axis=2) / 255 * (LEVELS - 1)) / (LEVELS - 1) * 255 * DIMMED
    shares = _enlarged(fall / 127, grey.shape)
    alpha = STRONGEST * np.rint(np.abs(shares) * LEVELS) / LEVELS
    tone = np.where(shares[..., np.newaxis] > 0, SPEAKS_FOR, SPEAKS_AGAINST)
    mixed = grey[..., np.newaxis] * (1 - alpha[..., np.newaxis]) + tone * alpha[..., np.newaxis]
    return np.asarray(np.rint(mixed), np.uint8)


def _enlarged(cells: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Between the middles of cells in straight lines, beyond them as they are."""
    for axis, length in enumerate(shape[:2]):
        middles = (np.arange(cells.shape[axis]) + 0.5) * length / cells.shape[axis]
        lines = [np.interp(np.arange(length) + 0.5, middles, line) for line in np.moveaxis(cells, axis, -1)]
        cells = np.moveaxis(np.array(lines), -1, axis)
    return cells
