"""MAX_POOL_2D and AVERAGE_POOL_2D, the kernels `max_pool2d_packed_s8` and `average_pool2d_packed_s8`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.packed import DSP, fours
from tinyproof.export.ops.pool2d import AVERAGE_KERNEL, MAX_KERNEL, Pool2dParams
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

WIDEST = 255  # bytes, of which 16 bits hold the sum


def events(params: Pool2dParams) -> Events:
    """How often it does each thing that has a price: runs of pixels that see as much; pixels; fours of channels, their
    rows and taps; the same of fewer channels, one at a time.
    """
    window = params.window
    rows = _inside(window.y_h, window.k_h, window.stride_h, window.pad_h, window.x_h)
    columns = _inside(window.y_w, window.k_w, window.stride_w, window.pad_w, window.x_w)
    pixels = window.y_h * window.y_w
    each = pixels, rows * window.y_w, rows * columns
    fours_of, singles = (fours(window.y_c), 0) if window.y_c >= 4 else (0, window.y_c)
    runs = window.y_h * _runs(window)
    return runs, pixels, *(fours_of * n for n in each), *(singles * n for n in each)


def _runs(window: Window) -> int:
    """Of a row: windows at a border one by one, those wholly inside together."""
    left = np.arange(window.y_w) * window.stride_w - window.pad_w
    inside = int(np.sum((left >= 0) & (left + window.k_w <= window.x_w)))
    return window.y_w - inside + (inside > 0)


def _inside(y: int, k: int, stride: int, pad: int, x: int) -> int:
    """How many taps along an axis lie inside, of all windows."""
    return sum(min(i * stride - pad + k, x) - max(i * stride - pad, 0) for i in range(y))


def _instead_of(plain: Kernel) -> Fast:
    """The packed kernel has the same parameters."""
    packed = Kernel(f"{plain.name}_packed", events=events, folder=DSP)

    def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
        pooling = call.params
        if call.kernel is not plain or not isinstance(pooling, Pool2dParams) or pooling.window.k_w > WIDEST:
            return None
        return replace(call, kernel=packed)

    return Fast(packed, fit)


FAST = _instead_of(MAX_KERNEL), _instead_of(AVERAGE_KERNEL)
KERNELS = tuple(fast.kernel for fast in FAST)
