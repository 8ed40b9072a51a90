"""AVERAGE_POOL_2D without padding, the kernel `average_pool2d_packed_s8`."""

from __future__ import annotations

from dataclasses import replace

from tinyproof.export.ops.kind import Call, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP
from tinyproof.export.ops.pool2d import AVERAGE_KERNEL, Pool2dParams, events
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

MOST_PIXELS = 255  # times -128 fit 16 bits


def fits(pool: Params) -> bool:
    """Whether the kernel takes an average pooling: every window inside, few pixels, channels in fours."""
    assert isinstance(pool, Pool2dParams)
    window = pool.window
    inside_h = window.pad_h == 0 and (window.y_h - 1) * window.stride_h + window.k_h <= window.x_h
    inside_w = window.pad_w == 0 and (window.y_w - 1) * window.stride_w + window.k_w <= window.x_w
    few = window.k_h * window.k_w <= MOST_PIXELS and window.x_c % 4 == 0
    return inside_h and inside_w and few


AVERAGE_POOL2D_PACKED = Kernel("average_pool2d_packed", events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """The parameters are the plain kernel's."""
    return replace(call, kernel=AVERAGE_POOL2D_PACKED) if call.kernel is AVERAGE_KERNEL and fits(call.params) else None


FAST = Fast(AVERAGE_POOL2D_PACKED, fit)
