"""CONV_2D with 3 x 3 filters by Winograd's F(4x4, 3x3), the kernel `conv2d_winograd4_s8`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.conv2d_winograd import (
    Conv2dWinogradParams,
    is_three_by_three,
    transform_events,
)
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, is_affordable, pack_output, pack_quads
from tinyproof.export.ops.requantize import INT32_MAX
from tinyproof.export.ops.window import Window, lead_bytes
from tinyproof.optimize import Optimize

# Winograd's filter transform times 4, -6, -6, 24, 24 and 1: whole numbers. The kernel divides by what is left of that.
SCALED_G = np.array([[1, 0, 0], [-1, -1, -1], [-1, 1, -1], [1, 2, 4], [1, -2, 4], [0, 0, 1]])
LARGEST_ENTRY = 49  # of a filter of ones, transformed
LARGEST_FACTOR = 64  # what a sum is multiplied with when it is the last time modulo 2^32
TILE, POSITIONS = 4, 36


def pack(conv: Conv2dParams) -> Conv2dWinogradParams | None:
    """The transformed layer; None where geometry or numbers do not fit the kernel."""
    output = pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT // LARGEST_ENTRY)
    if output is None or not is_three_by_three(conv.window) or not _pays(conv.window):
        return None
    weights = output.scaled(conv.weights).astype(np.int64)
    magnitude = np.abs(weights).sum(axis=(1, 2, 3))
    if int(magnitude.max()) * 128 * LARGEST_FACTOR > INT32_MAX:
        return None
    # (y_c, 3, 3, x_c) -> (36, y_c, x_c)
    transformed = np.einsum("ia,oabc,jb->ijoc", SCALED_G, weights, SCALED_G)
    positions = transformed.reshape(POSITIONS, *transformed.shape[2:]).astype(np.int16)
    pool = no_pool(conv.window)
    return Conv2dWinogradParams(pack_quads(positions), conv.x_zero_point, conv.window, pool, output)


def _pays(window: Window) -> bool:
    """Whether it multiplies less than F(2x2, 3x3) does: a tile that is mostly beyond the edge costs as much as any."""

    def tiles(side: int) -> int:
        return -(-window.y_h // side) * -(-window.y_w // side)

    return tiles(TILE) * POSITIONS < 0.9 * tiles(2) * 16


def scratch_bytes(params: Conv2dWinogradParams) -> int:
    """The products of two tiles for four channels, both tiles transformed, and one at the border as it is."""
    window = params.window
    rows, columns = -(-window.y_h // TILE), -(-window.y_w // TILE)
    below, behind = TILE * rows + 2 - window.pad_h > window.x_h, TILE * columns + 2 - window.pad_w > window.x_w
    border = POSITIONS * window.x_c if window.pad_h or window.pad_w or below or behind else 0
    return 4 * 8 * POSITIONS + 4 * POSITIONS * window.x_c + border


def leads(params: Conv2dWinogradParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it: four rows at a time."""
    return (lead_bytes(params.window, params.pool, TILE * params.window.y_w),)


def events(params: Conv2dWinogradParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    rows, columns = -(-window.y_h // 4), -(-window.y_w // 4)
    return (
        *transform_events(window, rows, columns, 4),
        rows * columns * window.y_c,
        columns * window.y_h * window.y_c,
    )


CONV2D_WINOGRAD4 = Kernel("conv2d_winograd4", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling, where weights may take eight times their bytes."""
    if optimize is Optimize.SMALL or pool or not isinstance(call.params, Conv2dParams):
        return None
    params = pack(call.params)
    if params is None or not is_affordable(params.weights, optimize):
        return None
    return replace(call, kernel=CONV2D_WINOGRAD4, params=params)


FAST = Fast(CONV2D_WINOGRAD4, fit, rank=2, takes_more=True)
