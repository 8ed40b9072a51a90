"""Convolution and pooling of a grey picture in NumPy, vectorised, equal pixel for pixel to the textbook's four loops.

As in those loops (and in every neural network) the filter is laid over the picture as it is written, not mirrored.
Pictures are uint8 (H,W). Floating-point numbers stay inside: what comes out is clamped to 0..255 and cut to whole
numbers, which is what storing into an array of integers does.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.training.lab.filters import AnyFilter, as_filter

Picture = NDArray[np.uint8]
Padding = Literal["margin", "same", "valid"]
PADDINGS: tuple[Padding, ...] = get_args(Padding)
Pooling = Literal["max", "average"]


def convolve(
    picture: Picture,
    filter_: AnyFilter,
    weight: float | None = None,
    stride: int = 1,
    padding: Padding = "margin",
) -> Picture:
    """Return the filtered picture, uint8: weight * (sum of number * pixel), clamped to 0..255, cut to a whole number.

    `padding` says what happens where the filter hangs over the edge:

    - `margin`: nothing, those pixels stay what they were; (H,W) -> (H,W), as in the classic loop from 1 to size - 1
    - `same`: beyond the edge the picture is black; (H,W) -> (ceil(H/stride), ceil(W/stride)), TensorFlow's SAME
    - `valid`: those pixels are left out; (H,W) -> (floor((H-h)/stride) + 1, ...), TensorFlow's VALID

    A stride of n keeps every n-th pixel in both directions. UserError for a filter larger than the picture.

    >>> convolve(np.full((3, 3), 100, np.uint8), "box-blur", padding="valid")
    array([[100]], dtype=uint8)
    """
    made = as_filter(filter_, weight)
    check_fit(picture, made.shape, stride, padding)
    if padding == "margin":
        top, left = margins(made.shape)
        inner = _clamp(made.weight * response(picture, made.array))
        result = picture.copy()
        result[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return np.ascontiguousarray(result[::stride, ::stride])
    padded = pad_same(picture, made.shape, stride) if padding == "same" else picture
    return _clamp(made.weight * response(padded, made.array, stride))


def response(picture: NDArray[np.generic], numbers: NDArray[np.float64], stride: int = 1) -> NDArray[np.float64]:
    """Return the bare sums of products, float64, wherever the filter lies wholly on the picture.

    One pass over the picture for each number of the filter, in the order in which the loops add them up, so that not
    even floating-point rounding differs.
    """
    k_h, k_w = numbers.shape
    height, width = (picture.shape[0] - k_h) // stride + 1, (picture.shape[1] - k_w) // stride + 1
    total = np.zeros((height, width))
    for i in range(k_h):
        for j in range(k_w):
            shifted = picture[i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
            total += shifted * numbers[i, j]
    return total


def pool(picture: Picture, kind: Pooling = "max", size: int = 2, partial: bool = False) -> Picture:
    """Return one pixel for each size x size block: its largest, or its mean rounded to the nearest (halves up).

    Rows and columns that fill no whole block are dropped, as a MaxPooling2D layer drops them; with `partial` what is
    there of the last blocks is pooled instead: (511,333) -> (255,166), or (256,167).

    >>> pool(np.array([[0, 64, 9], [48, 192, 9]], np.uint8))
    array([[192]], dtype=uint8)
    >>> pool(np.array([[0, 64, 9], [48, 192, 9]], np.uint8), "average", partial=True)
    array([[76,  9]], dtype=uint8)
    """
    if picture.ndim != 2 or size < 1 or (min(picture.shape) < size and not partial):
        raise UserError(
            f"a picture of shape {picture.shape} cannot be pooled in blocks of {size}x{size}: "
            "give a larger picture or a smaller stride"
        )
    if not partial:
        height, width = picture.shape[0] // size * size, picture.shape[1] // size * size
        picture = picture[:height, :width]
    starts = [np.arange(0, side, size) for side in picture.shape]
    if kind == "max":
        return np.asarray(np.maximum.reduceat(np.maximum.reduceat(picture, starts[0], 0), starts[1], 1))
    totals = np.add.reduceat(np.add.reduceat(picture.astype(np.int64), starts[0], 0), starts[1], 1)
    heights, widths = (np.diff(np.append(start, side)) for start, side in zip(starts, picture.shape, strict=True))
    counts = heights[:, np.newaxis] * widths
    return np.asarray((2 * totals + counts) // (2 * counts), np.uint8)


def dropped(shape: tuple[int, ...], size: int = 2) -> str:
    """Say what pooling leaves over of a picture of this shape: nothing, or its last row, column or both.

    >>> dropped((511, 334))
    'the last row is dropped'
    """
    over = [
        f"the last {word}{' is' if n == 1 else f's ({n}) are'} dropped"
        for n, word in zip((side % size for side in shape), ("row", "column"), strict=True)
        if n
    ]
    return " and ".join(over)


def margins(shape: tuple[int, int]) -> tuple[int, int]:
    """Rows above and columns left of a filter's centre; an even side has its centre before the middle, as in SAME."""
    return (shape[0] - 1) // 2, (shape[1] - 1) // 2


def pad_same(picture: Picture, shape: tuple[int, int], stride: int) -> Picture:
    """Return the picture with the black border of TensorFlow's SAME; of an odd border the larger part is last."""
    pads = []
    for side, k in zip(picture.shape, shape, strict=True):
        both = max((-(-side // stride) - 1) * stride + k - side, 0)
        pads.append((both // 2, both - both // 2))
    return np.pad(picture, pads)


def check_fit(picture: NDArray[np.generic], shape: tuple[int, int], stride: int, padding: str) -> None:
    """Raise UserError unless a filter of that shape can be slid over the picture like that."""
    if padding not in PADDINGS:
        raise UserError(f"{advice.setting('padding', padding)} is unknown: choose {', '.join(PADDINGS)}")
    if stride < 1:
        raise UserError(f"{advice.setting('stride', stride)} does not move the filter: give 1 or more")
    if picture.dtype != np.uint8 or picture.ndim != 2:
        raise UserError(f"the picture is {picture.dtype} of shape {picture.shape}; it has to be uint8 (H,W), grey")
    if padding != "same" and (picture.shape[0] < shape[0] or picture.shape[1] < shape[1]):
        raise UserError(
            f"a filter of {shape[0]}x{shape[1]} does not fit on a picture of {picture.shape[0]}x{picture.shape[1]}; "
            f"use a smaller filter or {advice.setting('padding', 'same')}"
        )


def _clamp(values: NDArray[np.float64]) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)
