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
from tinyproof.export.ops.window import Window, taps_inside
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
    return params.window.k_h * _laid_out(params.window) + TOGETHER * params.window.y_c


def _laid_out(window: Window) -> int:
    """Bytes of a row that four windows see."""
    return ((TOGETHER - 1) * window.stride_w + (window.k_w - 1) * window.dilation_w + 1) * window.x_c


def events(params: Conv2dFewParams) -> Events:
    """How often it does each thing that has a price: rows and bytes laid out at borders, calls of the loop, fours of
    windows, their rows and words.
    """
    window = params.window
    rows_seen, columns_seen = taps_inside(window)
    at_border, calls, fours = _in_a_row([taps == window.k_w for taps in columns_seen])
    laid_out, filter_rows = at_border * sum(rows_seen), window.y_h * window.y_c
    rows = window.y_c * (at_border + fours) * sum(rows_seen)
    return (
        *(laid_out, laid_out * _laid_out(window), filter_rows * (at_border + calls), filter_rows * (at_border + fours)),
        *(rows, rows * params.row_words),
    )


def _in_a_row(is_inside: list[bool]) -> tuple[int, int, int]:
    """As the kernel goes through a row of y: fours at its borders, calls for windows inside, fours of those."""
    left = is_inside.index(True) if any(is_inside) else len(is_inside)
    right, at = left + sum(is_inside), 0
    at_border = calls = fours = 0
    while at < len(is_inside):
        inside, rest = right - at, len(is_inside) - at
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
