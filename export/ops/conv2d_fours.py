"""CONV_2D four pixels and four filters at a time, with the 2 x 2 MAX_POOL_2D that follows it: `conv2d_fours_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_halves import PIXELS, fits, leads, looks
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params, where_small
from tinyproof.export.ops.packed import GROUP, MOST_BYTE, PackedOutput, fours, pack_output
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class Conv2dFoursParams(Params):
    """The members of `conv2d_fours_params`."""

    c_type: ClassVar[str] = "conv2d_fours_params"

    weights: NDArray[np.int8]  # (groups, taps, 4)
    x_zero_point: int
    taps: int
    window: Window
    pool: Window
    output: PackedOutput


def scratch_bytes(params: Conv2dFoursParams) -> int:
    """What four output pixels see."""
    return PIXELS * params.taps


def events(params: Conv2dFoursParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    runs = looks(window, pool)[0] // PIXELS
    groups = fours(window.y_c)
    pooled = pool.k_h > 1
    outputs = runs * window.y_c
    return *looks(window, pool), runs * groups, runs * groups * params.taps, 0 if pooled else outputs, outputs * pooled


CONV2D_FOURS = Kernel("conv2d_fours", scratch_bytes, leads, events=events, folder="fours")


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Whatever `Optimize` says: a weight is a byte."""
    conv = call.params
    if not isinstance(conv, Conv2dParams) or not fits(pool):
        return None
    output = pack_output(conv.bias, conv.weights, conv.output, MOST_BYTE)
    if output is None:
        return None
    y_c, taps = conv.window.y_c, prod(conv.weights.shape[1:])
    filters = output.scaled(conv.weights).astype(np.int8).reshape(y_c, taps)
    filled = np.pad(filters, ((0, -y_c % GROUP), (0, 0))).reshape(-1, GROUP, taps)
    weights = np.ascontiguousarray(filled.swapaxes(1, 2))
    params = Conv2dFoursParams(weights, conv.x_zero_point, taps, conv.window, pool or no_pool(conv.window), output)
    return replace(call, kernel=CONV2D_FOURS, params=params)


SMALL = where_small(CONV2D_FOURS, fit, rank=1)  # beside those of a byte a weight
FAST = Fast(CONV2D_FOURS, fit, rank=2)
