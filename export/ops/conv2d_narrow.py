"""CONV_2D with at most ten taps and the MAX_POOL_2D that follows it: the kernel `conv2d_narrow_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params, where_small
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, pack_output
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

TAPS = 10


@dataclass(frozen=True, eq=False)
class Conv2dNarrowParams(Params):
    """The members of `conv2d_narrow_params`."""

    c_type: ClassVar[str] = "conv2d_narrow_params"

    channels: NDArray[np.int32]  # (y_c, 9)
    x_zero_point: int
    window: Window
    pool: Window
    y_min: int
    y_max: int


def pack(conv: Conv2dParams, pool: Window) -> Conv2dNarrowParams | None:
    """The packed layer; None where geometry or numbers do not fit the kernel."""
    y_c, taps = conv.weights.shape[0], prod(conv.weights.shape[1:])
    if taps > TAPS or pool.k_h > 2 or pool.k_w > 2:
        return None
    if (output := pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT)) is None:
        return None
    doubled = np.zeros((y_c, TAPS), "<i2")
    doubled[:, :taps] = 2 * output.scaled(conv.weights).reshape(y_c, taps)
    channels = np.concatenate([doubled.view("<i4").astype(np.int32), output.channels], axis=1)
    return Conv2dNarrowParams(channels, conv.x_zero_point, conv.window, pool, output.y_min, output.y_max)


def leads(params: Conv2dNarrowParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, params.pool),)


def events(params: Conv2dNarrowParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    outputs = pool.y_h * pool.y_w
    border = outputs - outputs * windows_inside(window) // (window.y_h * window.y_w)
    return outputs, border, border * window.k_h * window.k_w, outputs * window.y_c


CONV2D_NARROW = Kernel("conv2d_narrow", leads=leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With a pooling alone: without one, others are as fast."""
    params = pack(call.params, pool) if pool and isinstance(call.params, Conv2dParams) else None
    return replace(call, kernel=CONV2D_NARROW, params=params) if params else None


SMALL = where_small(CONV2D_NARROW, fit, rank=1)  # beside those of a byte a weight
FAST = Fast(CONV2D_NARROW, fit, rank=2)
