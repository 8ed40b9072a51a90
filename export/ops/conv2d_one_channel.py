"""CONV_2D of one channel with windows of up to 3 x 3, and the MAX_POOL_2D 2 x 2 that may follow it: the kernel
`conv2d_one_channel_s8`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params, where_small
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, pack_output
from tinyproof.export.ops.window import (
    Window,
    lead_bytes,
    lead_bytes_of_squares,
    pools_squares,
    squares,
    squares_inside,
    windows_inside,
)
from tinyproof.optimize import Optimize

SIDE = 3  # of the largest window


@dataclass(frozen=True, eq=False)
class Conv2dOneChannelParams(Params):
    """The members of `conv2d_one_channel_params`."""

    c_type: ClassVar[str] = "conv2d_one_channel_params"

    channels: NDArray[np.int32]  # (y_c, 8)
    x_zero_point: int
    window: Window
    pool: Window
    y_min: int
    y_max: int


def pack(conv: Conv2dParams, pool: Window) -> Conv2dOneChannelParams | None:
    """The packed layer; None where geometry or numbers do not fit the kernel."""
    if not _fits(conv.window, pool):
        return None
    if (output := pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT)) is None:
        return None
    y_c, k_h, k_w, _ = conv.weights.shape
    w = np.zeros((y_c, SIDE, SIDE), "<i2")
    w[:, :k_h, :k_w] = 2 * output.scaled(conv.weights)[..., 0]
    bias, multiplier, offset, shift = output.channels.T
    outer, middle = w[:, :, [0, 2]], w[:, :, 1]
    last = np.stack([shift.astype("<i2"), middle[:, 2]], axis=1)

    def words(pair: NDArray[np.int16]) -> NDArray[np.int32]:
        return np.ascontiguousarray(pair).view("<i4")[:, 0].astype(np.int32)

    upper, *lower = (words(outer[:, i]) for i in range(SIDE))
    channels = np.stack([upper, bias, *lower, words(middle[:, :2]), words(last), multiplier, offset], axis=1)
    return Conv2dOneChannelParams(channels, conv.x_zero_point, conv.window, pool, output.y_min, output.y_max)


def _fits(window: Window, pool: Window) -> bool:
    small = window.x_c == window.dilation_h == window.dilation_w == 1 and max(window.k_h, window.k_w) <= SIDE
    return small and pools_squares(pool) and (_by_squares(window) or pool.k_h == 1)


def _by_squares(window: Window) -> bool:
    """Whether it computes four outputs at a time, two by two; else two of a row."""
    return window.stride_h == window.stride_w == 1


def leads(params: Conv2dOneChannelParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    lead = lead_bytes_of_squares if _by_squares(params.window) else lead_bytes
    return (lead(params.window, params.pool),)


def events(params: Conv2dOneChannelParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    if not _by_squares(window):
        pairs = window.y_h * -(-window.y_w // 2)
        border = pairs - pairs * windows_inside(window) // (window.y_h * window.y_w)
        return 0, 0, 0, 0, pairs, border, pairs * window.y_c
    rows, columns = squares(window, pool)
    count, pools = rows * columns, pool.k_h > 1
    filters, border = count * window.y_c, count - squares_inside(window, rows, columns)
    return count, border, filters * pools, filters * (not pools), 0, 0, 0


CONV2D_ONE_CHANNEL = Kernel("conv2d_one_channel", leads=leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With a pooling and without."""
    params = pack(call.params, pool or no_pool(call.params.window)) if isinstance(call.params, Conv2dParams) else None
    return replace(call, kernel=CONV2D_ONE_CHANNEL, params=params) if params else None


SMALL = where_small(CONV2D_ONE_CHANNEL, fit, rank=1)  # beside those of a byte a weight
FAST = Fast(CONV2D_ONE_CHANNEL, fit, rank=2)
