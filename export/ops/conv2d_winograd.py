"""CONV_2D with 3 x 3 filters and the MAX_POOL_2D 2 x 2 that follows it: the kernel `conv2d_winograd_s8`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import ConstantTable, Field, Struct
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Kernel, Params
from tinyproof.export.ops.packed import PackedOutput, emit_packed_output, pack_output, pack_quads, rounded_up
from tinyproof.export.ops.requantize import INT32_MAX
from tinyproof.export.ops.window import Window, emit_window, lead_bytes

TWICE_G = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])  # twice Winograd's filter transform, whole numbers
LARGEST_PIXEL = 4 * 128  # of the transformed image


@dataclass(frozen=True, eq=False)
class Conv2dWinogradParams(Params):
    """The members of `conv2d_winograd_params`."""

    weights: NDArray[np.int16]  # (4 rows, groups, 4, quads, 2, 4, 2)
    x_zero_point: int
    window: Window
    pool: Window
    output: PackedOutput


def pack(conv: Conv2dParams, pool: Window) -> Conv2dWinogradParams | None:
    """The transformed layer; None where geometry or numbers do not fit the kernel."""
    output = pack_output(conv.bias, conv.weights, conv.output)
    if output is None or not _fits(conv.window, pool):
        return None
    # (y_c, 3, 3, x_c) -> (16, y_c, x_c), four times Winograd's G g G^T
    transformed = np.einsum("ia,oabc,jb->ijoc", TWICE_G, conv.weights.astype(np.int64), TWICE_G)
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


def _fits(window: Window, pool: Window) -> bool:
    two_by_two = (pool.k_h, pool.k_w, pool.stride_h, pool.stride_w) == (2, 2, 2, 2)
    inside = 2 * pool.y_h <= pool.x_h and 2 * pool.y_w <= pool.x_w
    return is_three_by_three(window) and ((two_by_two and inside) or (pool.k_h, pool.k_w) == (1, 1))


def emit(params: Conv2dWinogradParams) -> Struct:
    """The C initializer."""
    return Struct(
        "conv2d_winograd_params",
        (
            Field("weights", ConstantTable(params.weights)),
            Field("x_zero_point", params.x_zero_point),
            Field("window", emit_window(params.window)),
            Field("pool", emit_window(params.pool)),
            Field("output", emit_packed_output(params.output)),
        ),
    )


def scratch_bytes(params: Conv2dWinogradParams) -> int:
    """Of two tiles: a row of products for four channels, the sums, a row transformed; and both where at the border."""
    window, pool = params.window, params.pool
    border = 32 * window.x_c if _leaves_image(window, pool) else 0
    return 128 + 32 * rounded_up(window.y_c) + 16 * window.x_c + border


def _tiles(window: Window, pool: Window) -> tuple[int, int]:
    """Rows and columns of 2 x 2 tiles."""
    return (pool.y_h, pool.y_w) if pool.k_h > 1 else (-(-window.y_h // 2), -(-window.y_w // 2))


def _leaves_image(window: Window, pool: Window) -> bool:
    """Whether a tile sees pixels that do not exist."""
    rows, columns = _tiles(window, pool)
    below, behind = 2 * rows + 2 - window.pad_h > window.x_h, 2 * columns + 2 - window.pad_w > window.x_w
    return bool(window.pad_h or window.pad_w or below or behind)


def leads(params: Conv2dWinogradParams) -> tuple[int]:
    """How far before x y must begin to overwrite it."""
    window, pool = params.window, params.pool
    if pool.k_h > 1:
        return (lead_bytes(window, pool),)
    # Two rows of y at a time; until they are finished, no row of x from the first one they see may be touched.
    x_row, y_row = window.x_w * window.x_c, window.y_w * window.y_c
    rows = range(0, window.y_h, 2)
    return (max(min(i + 2, window.y_h) * y_row - max(i - window.pad_h, 0) * x_row for i in rows),)


CONV2D_WINOGRAD = Kernel("conv2d_winograd", emit, scratch_bytes, leads)
