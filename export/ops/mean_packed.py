"""MEAN and SUM of bytes that lie side by side, the kernel `mean_packed_s8`."""

from __future__ import annotations

from dataclasses import replace

from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.mean import KERNEL as PLAIN
from tinyproof.export.ops.mean import MeanParams
from tinyproof.export.ops.packed import DSP, fours
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

LEAST = 4  # bytes side by side that make a word worth loading


def events(params: MeanParams) -> Events:
    """How often it does each thing that has a price: windows, their rows, words in those."""
    outputs, window = params.outputs, params.window
    columns, length = outputs.table[-1, 0], window.table[-1, 0]
    in_fours = outputs.table[-1, 1] == 1 and columns >= LEAST
    windows = outputs.rows * fours(int(columns)) if in_fours else outputs.elements
    rows = windows * window.rows
    return windows, rows, rows * (int(length) if in_fours else fours(int(length)))


MEAN_PACKED = Kernel("mean_packed", events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """The parameters are the plain kernel's."""
    mean = call.params
    if call.kernel is not PLAIN or not isinstance(mean, MeanParams):
        return None
    in_order = any(nest.table[-1, 1] == 1 and nest.table[-1, 0] >= LEAST for nest in (mean.outputs, mean.window))
    return replace(call, kernel=MEAN_PACKED) if in_order else None


FAST = Fast(MEAN_PACKED, fit)
