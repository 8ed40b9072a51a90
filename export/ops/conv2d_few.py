"""CONV_2D with few filters, as an image of answers takes them: the kernel `conv2d_few_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.layouts import as_row
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, PackedOutput, pack_output
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

MOST_FILTERS = 3
TOGETHER = 4  # pixels


@dataclass(frozen=True, eq=False)
class Conv2dFewParams(Params):
    """The members of `conv2d_few_params`."""

    c_type: ClassVar[str] = "conv2d_few_params"
    members: ClassVar[tuple[str, ...]] = ("table", "x_zero_point", "row_words", "window", "output")

    table: NDArray[np.int32]  # (y_c, k_h, row_words, 3)
    x_zero_point: int
    window: Window
    output: PackedOutput

    @property
    def row_words(self) -> int:
        """Of what one pixel sees in a row, each run filled up to whole words."""
        return int(self.table.shape[2])


def pack(conv: Conv2dParams) -> Conv2dFewParams | None:
    """The packed layer; None where its numbers do not fit the kernel. A run is what lies side by side in x."""
    conv = as_row(conv)
    window = conv.window
    runs = 1 if window.dilation_w == 1 else window.k_w  # in a row
    run = window.k_w * window.x_c // runs
    output = pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT)
    if output is None or run < 4:
        return None
    taps = (2 * output.scaled(conv.weights)).astype(np.int16).reshape(window.y_c, window.k_h, runs, run)
    whole, last = taps[..., : run // 4 * 4], taps[..., -4:].copy()
    last[..., : -run % 4] = 0  # what the words before have
    words = np.concatenate([whole, last] if run % 4 else [whole], axis=3)
    weights = words.reshape(window.y_c, window.k_h, -1, 4)[..., [0, 2, 1, 3]]
    table = np.zeros((*weights.shape[:3], 3), np.int32)
    table[..., 0] = np.add.outer(
        np.arange(runs) * window.dilation_w * window.x_c, np.minimum(np.arange(0, run, 4), run - 4)
    ).reshape(-1)
    table[..., 1:] = np.ascontiguousarray(weights, "<i2").view("<i4")
    return Conv2dFewParams(table, conv.x_zero_point, window, output)


def scratch_bytes(params: Conv2dFewParams) -> int:
    """What four pixels at a border see, and these."""
    window = params.window
    columns = (TOGETHER - 1) * window.stride_w + (window.k_w - 1) * window.dilation_w + 1
    return window.k_h * columns * window.x_c + TOGETHER * window.y_c


def events(params: Conv2dFewParams) -> Events:
    """How often it does each thing that has a price: rows and bytes laid out at borders, calls of the loop, fours of
    windows, their rows and words.
    """
    window = params.window
    seen = sum(_taps_inside(window.y_h, window.stride_h, window.pad_h, window.k_h, window.dilation_h, window.x_h))
    at_border, inside, fours = _in_a_row(window)
    laid_out = at_border * seen
    columns = (TOGETHER - 1) * window.stride_w + (window.k_w - 1) * window.dilation_w + 1
    calls, rows = window.y_h * window.y_c * (at_border + inside), window.y_c * (at_border + fours) * seen
    return (
        *(laid_out, laid_out * columns * window.x_c, calls, window.y_h * window.y_c * (at_border + fours)),
        *(rows, rows * params.row_words),
    )


def _taps_inside(y: int, stride: int, pad: int, k: int, dilation: int, x: int) -> list[int]:
    """Of each window along an axis, how many taps lie inside the image."""
    return [sum(0 <= i * stride - pad + tap * dilation < x for tap in range(k)) for i in range(y)]


def _in_a_row(window: Window) -> tuple[int, int, int]:
    """As the kernel goes through a row of y: fours at its borders, calls for windows inside, fours of those."""
    along = window.y_w, window.stride_w, window.pad_w, window.k_w, window.dilation_w, window.x_w
    whole = [taps == window.k_w for taps in _taps_inside(*along)]
    left = whole.index(True) if any(whole) else window.y_w
    right, at = left + sum(whole), 0
    at_border = calls = fours = 0
    while at < window.y_w:
        inside, rest = right - at, window.y_w - at
        if at >= left and inside >= TOGETHER:
            pixels = inside if inside == rest else inside // TOGETHER * TOGETHER
            calls, fours = calls + 1, fours + -(-pixels // TOGETHER)
        else:
            pixels, at_border = min(rest, TOGETHER), at_border + 1
        at += pixels
    return at_border, calls, fours


CONV2D_FEW = Kernel("conv2d_few", scratch_bytes, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    conv = call.params
    if pool or not isinstance(conv, Conv2dParams) or conv.window.y_c > MOST_FILTERS:
        return None
    params = pack(conv)
    return replace(call, kernel=CONV2D_FEW, params=params) if params else None


FAST = Fast(CONV2D_FEW, fit, rank=2)
