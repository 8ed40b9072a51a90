"""MAX_POOL_2D and AVERAGE_POOL_2D, the kernels `max_pool2d_packed_s8` and `average_pool2d_packed_s8`."""

from __future__ import annotations

from dataclasses import replace

from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.packed import DSP, fours
from tinyproof.export.ops.pool2d import AVERAGE_KERNEL, MAX_KERNEL, Pool2dParams
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

WIDEST = 255  # bytes, of which 16 bits hold the sum


def events(params: Pool2dParams) -> Events:
    """How often it does each thing that has a price: pixels, fours of channels, their rows, their taps."""
    window = params.window
    pixels = window.y_h * window.y_w
    words = pixels * (fours(window.y_c) if window.y_c >= 4 else window.y_c)
    return pixels, words, words * window.k_h, words * window.k_h * window.k_w


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
