"""CONV_2D with 3 x 3 filters and the MAX_POOL_2D 2 x 2 that follows it: the kernel `conv2d_winograd_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import (
    DSP,
    MOST_WEIGHT,
    PackedOutput,
    fours,
    is_affordable,
    pack_output,
    pack_quads,
    rounded_up,
)
from tinyproof.export.ops.requantize import INT32_MAX
from tinyproof.export.ops.window import Window, lead_bytes_of_squares, pools_squares, squares, squares_inside
from tinyproof.optimize import Optimize

TWICE_G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])  # twice Winograd's filter transform, whole numbers
LARGEST_PIXEL = 4 * 128  # of the transformed image
LARGEST_ENTRY = 9  # of a filter of ones, transformed


@dataclass(frozen=True, eq=False)
class Conv2dWinogradParams(Params):
    """The members of `conv2d_winograd_params`."""

    c_type: ClassVar[str] = "conv2d_winograd_params"

    weights: NDArray[np.int16]  # (4 rows, groups, 4, quads, 2, 4, 2)
    x_zero_point: int
    window: Window
    pool: Window
    output: PackedOutput


def pack(conv: Conv2dParams, pool: Window) -> Conv2dWinogradParams | None:
    """The transformed layer; None where geometry or numbers do not fit the kernel."""
    if not is_three_by_three(conv.window) or not pools_squares(pool):
        return None
    if (output := pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT // LARGEST_ENTRY)) is None:
        return None
    # (y_c, 3, 3, x_c) -> (16, y_c, x_c), four times Winograd's G g G^T
    transformed = np.einsum("ia,oabc,jb->ijoc", TWICE_G, output.scaled(conv.weights).astype(np.int64), TWICE_G)
    positions = transformed.reshape(16, *transformed.shape[2:])
    # A bound of every sum on the way, partial ones and those of the output transform: all 16 products of all channels.
    if int(np.abs(positions).sum(axis=(0, 2)).max()) * LARGEST_PIXEL > INT32_MAX:
        return None
    packed = pack_quads(positions.astype(np.int16))
    rows = np.moveaxis(packed.reshape(len(packed), 4, 4, *packed.shape[2:]), 1, 0)
    return Conv2dWinogradParams(np.ascontiguousarray(rows), conv.x_zero_point, conv.window, pool, output)


def is_three_by_three(window: Window) -> bool:
    """Whether it is the convolution that Winograd's transforms are for, with channels in fours."""
    steps = (window.stride_h, window.stride_w, window.dilation_h, window.dilation_w)
    return (window.k_h, window.k_w) == (3, 3) and steps == (1, 1, 1, 1) and window.x_c % 4 == 0


def scratch_bytes(params: Conv2dWinogradParams) -> int:
    """Of two tiles: a row of products for four channels, the sums, a row transformed; and both where at the border."""
    window, pool = params.window, params.pool
    border = 32 * window.x_c if _leaves_image(window, pool) else 0
    return 128 + 32 * rounded_up(window.y_c) + 16 * window.x_c + border


def _leaves_image(window: Window, pool: Window) -> bool:
    """Whether a tile sees pixels that do not exist."""
    rows, columns = squares(window, pool)
    below, behind = 2 * rows + 2 - window.pad_h > window.x_h, 2 * columns + 2 - window.pad_w > window.x_w
    return bool(window.pad_h or window.pad_w or below or behind)


def leads(params: Conv2dWinogradParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes_of_squares(params.window, params.pool),)


def transform_events(window: Window, rows: int, columns: int, side: int) -> Events:
    """Of tiles that make side x side outputs each, before those leave: transforms, those at a border, dot products."""

    tiles, quads, groups = rows * columns, window.x_c // 4, fours(window.y_c)
    border = tiles - squares_inside(window, rows, columns, side)
    runs = -(-tiles // 2) * groups
    return tiles, tiles * quads, border, border * quads, runs, runs * quads, runs * fours(quads)


def events(params: Conv2dWinogradParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    pools = pool.k_h > 1
    rows, columns = squares(window, pool)
    made = rows * columns * window.y_c
    return *transform_events(window, rows, columns, 2), made * pools, made * (not pools)


CONV2D_WINOGRAD = Kernel("conv2d_winograd", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Where weights may take four times their bytes."""
    if optimize is Optimize.SMALL or not isinstance(call.params, Conv2dParams):
        return None
    params = pack(call.params, pool or no_pool(call.params.window))
    return replace(call, kernel=CONV2D_WINOGRAD, params=params) if params and is_affordable(params.weights) else None


FAST = Fast(CONV2D_WINOGRAD, fit, rank=2)
