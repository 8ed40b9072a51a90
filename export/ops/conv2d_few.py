"""CONV_2D with one or two filters, as an image of answers takes them: the kernel `conv2d_few_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, PackedOutput, pack_output
from tinyproof.export.ops.window import Window, windows_inside
from tinyproof.optimize import Optimize

MOST_FILTERS = 2


@dataclass(frozen=True, eq=False)
class Conv2dFewParams(Params):
    """The members of `conv2d_few_params`."""

    c_type: ClassVar[str] = "conv2d_few_params"
    members: ClassVar[tuple[str, ...]] = ("weights", "x_zero_point", "run", "quads", "window", "output")

    weights: NDArray[np.int16]  # (y_c, quads, 4)
    x_zero_point: int
    run: int
    window: Window
    output: PackedOutput

    @property
    def quads(self) -> int:
        """Of what one pixel sees, each run filled up to whole words."""
        return int(self.weights.shape[1])


def pack(conv: Conv2dParams) -> Conv2dFewParams | None:
    """The packed layer; None where its numbers do not fit the kernel. A run is what lies side by side in x."""
    window = conv.window
    run = window.x_c * (window.k_w if window.dilation_w == 1 else 1)
    output = pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT)
    if output is None or run < 4:
        return None
    taps = 2 * output.scaled(conv.weights).reshape(window.y_c, -1, run)
    whole, last = taps[..., : run // 4 * 4], taps[..., -4:].copy()
    last[..., : -run % 4] = 0  # what the words before have
    quads = np.concatenate([whole, last] if run % 4 else [whole], axis=2).reshape(window.y_c, -1, 4)
    return Conv2dFewParams(np.ascontiguousarray(quads[..., [0, 2, 1, 3]]), conv.x_zero_point, run, window, output)


def scratch_bytes(params: Conv2dFewParams) -> int:
    """What a pixel at the border sees."""
    window = params.window
    return window.k_h * window.k_w * window.x_c


def events(params: Conv2dFewParams) -> Events:
    """How often it does each thing that has a price: pairs of pixels, taps at borders, filters, rows, runs, words."""
    window = params.window
    pairs, rows = window.y_h * -(-window.y_w // 2), window.k_h
    border = window.y_h * window.y_w - windows_inside(window)
    each = pairs * window.y_c
    runs = window.k_h * window.k_w * window.x_c // params.run
    return pairs, border * window.k_h * window.k_w, each, each * rows, each * runs, each * params.quads


CONV2D_FEW = Kernel("conv2d_few", scratch_bytes, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    conv = call.params
    if pool or not isinstance(conv, Conv2dParams) or conv.window.y_c > MOST_FILTERS:
        return None
    params = pack(conv)
    return replace(call, kernel=CONV2D_FEW, params=params) if params else None


FAST = Fast(CONV2D_FEW, fit, rank=2)
