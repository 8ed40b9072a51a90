"""MAX_POOL_2D and AVERAGE_POOL_2D, the kernels `max_pool2d_packed_s8` and `average_pool2d_packed_s8`."""

from __future__ import annotations

from dataclasses import replace

from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.packed import DSP, fours
from tinyproof.export.ops.pool2d import AVERAGE_KERNEL, MAX_KERNEL, Pool2dParams
from tinyproof.export.ops.window import Window, taps_inside
from tinyproof.optimize import Optimize

WIDEST = 255  # bytes, of which 16 bits hold the sum


def events(params: Pool2dParams) -> Events:
    """How often it does each thing that has a price: runs of pixels that see as much; pixels; fours of channels, their
    rows and taps; the same of fewer channels, one at a time.
    """
    window = params.window
    rows, columns = taps_inside(window)
    pixels, rows_of_taps = window.y_h * window.y_w, sum(rows)
    each = pixels, rows_of_taps * window.y_w, rows_of_taps * sum(columns)
    fours_of, singles = (fours(window.y_c), 0) if window.y_c >= 4 else (0, window.y_c)
    inside = columns.count(window.k_w)  # of a row: windows that are computed together, those at a border one by one
    runs = window.y_h * (window.y_w - inside + (inside > 0))
    return runs, pixels, *(fours_of * n for n in each), *(singles * n for n in each)


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
