"""Hand-made filters on a chip: the picture that comes back from the device beside the one NumPy computes.

The picture goes to the device in tiles, as a one-layer int8 model sees them, and the answers are stitched together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.boards import Board
from tinyproof.line import BAUD
from tinyproof.training.lab.convolution import Padding, Picture, check_fit, convolve, margins, pad_same
from tinyproof.training.lab.device import DeviceRun, run_on_device
from tinyproof.training.lab.filters import AnyFilter, Filter, as_filter
from tinyproof.training.lab.int8_layer import ZERO_POINT, Int8Layer, int8_layer
from tinyproof.training.lab.tiles import Tiling, plan_tiles


@dataclass(frozen=True, eq=False)
class ChipPicture:
    """One filter's pictures, uint8: from the device, from NumPy's int8 arithmetic, and from the floating-point loop.

    `computed`: pixels the device computed, all but the margin that the loop leaves alone.
    """

    filter: Filter
    device: Picture
    numpy: Picture
    loop: Picture
    computed: int

    @property
    def different(self) -> int:
        """Pixels, and so bytes, in which the device's picture is not NumPy's."""
        return int((self.device != self.numpy).sum())

    @property
    def different_from_loop(self) -> int:
        """Pixels in which int8 rounds to another grey than floating point, cut to whole numbers, gives."""
        return int((self.device != self.loop).sum())


@dataclass(frozen=True, eq=False)
class ChipFilters:
    """Filters on a device: a picture for each, how the picture was cut, and the run over its tiles."""

    pictures: tuple[ChipPicture, ...]
    tiling: Tiling
    layer: Int8Layer
    run: DeviceRun
    bytes_different: int  # of all that the device sent, from NumPy's int8 arithmetic


def filter_on_chip(
    picture: Picture,
    filters: Sequence[AnyFilter],
    folder: Path,
    board: Board,
    port: str | None = None,
    stride: int = 1,
    padding: Padding = "margin",
    baud: int = BAUD,
) -> ChipFilters:
    """Run the picture uint8 (H,W) through filters of one shape on a board; `folder` takes model and firmware."""
    made = [as_filter(filter_) for filter_ in filters]
    layer = int8_layer(made, 1 if padding == "margin" else stride)
    check_fit(picture, made[0].shape, stride, padding)
    padded = pad_same(picture, made[0].shape, stride) if padding == "same" else picture
    tiling = plan_tiles(padded.shape, made[0].shape, layer.stride)
    tiles = to_int8(tiling.cut(padded))
    run = run_on_device(layer.tflite(tiling.x_tile), folder, tiles.reshape(len(tiles), -1), board, port, baud)
    reference = layer.reference(tiles)
    outputs = run.outputs.reshape(reference.shape)
    from_device, from_numpy = (to_pixels(tiling.stitch(values)) for values in (outputs, reference))
    return ChipFilters(
        pictures=tuple(
            ChipPicture(
                filter_,
                _framed(picture, from_device[..., o], filter_, stride, padding),
                _framed(picture, from_numpy[..., o], filter_, stride, padding),
                convolve(picture, filter_, stride=stride, padding=padding),
                from_device[..., o].size,
            )
            for o, filter_ in enumerate(made)
        ),
        tiling=tiling,
        layer=layer,
        run=run,
        bytes_different=int((outputs != reference).sum()),
    )


def to_int8(pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
    """0..255 -> -128..127."""
    return (pixels.astype(np.int16) + ZERO_POINT).astype(np.int8)


def to_pixels(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    """-128..127 -> 0..255."""
    return (values.astype(np.int16) - ZERO_POINT).astype(np.uint8)


def _framed(picture: Picture, inner: Picture, filter_: Filter, stride: int, padding: Padding) -> Picture:
    """With the margin that the device leaves alone, where the padding asks for one."""
    if padding != "margin":
        return inner
    top, left = margins(filter_.shape)
    whole = picture.copy()
    whole[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return np.ascontiguousarray(whole[::stride, ::stride])
