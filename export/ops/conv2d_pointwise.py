"""CONV_2D with 1 x 1 filters, four pixels at a time: the kernel `conv2d_pointwise_s8`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import Conv2dPackedParams, packed_call
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel
from tinyproof.export.ops.packed import DSP, fours, last_group, pack_quads, rounded_up
from tinyproof.export.ops.window import Window, lead_bytes
from tinyproof.optimize import Optimize

PIXELS, FILTERS = 4, 2  # at a time


def _two_filters_apart(filters: NDArray[np.int16]) -> NDArray[np.int16]:
    """Weights (pairs, quads, 2, 2, 2) of filters (y_c, taps)."""
    return pack_quads(2 * last_group(filters, FILTERS), FILTERS)


def _fits(window: Window) -> bool:
    alone = (window.k_h, window.k_w, window.pad_h, window.pad_w) == (1, 1, 0, 0)
    return alone and window.y_c >= FILTERS


def scratch_bytes(params: Conv2dPackedParams) -> int:
    """What four output pixels see, in 16 bits."""
    return 2 * PIXELS * rounded_up(params.window.x_c)


def leads(params: Conv2dPackedParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, params.pool, PIXELS),)


def events(params: Conv2dPackedParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    runs, quads, pairs = fours(window.y_h * window.y_w), fours(window.x_c), -(-window.y_c // FILTERS)
    each, y_bytes = runs * pairs, window.y_h * window.y_w * window.y_c
    rests, odd = runs * (window.x_c % 4 > 0), runs * (window.y_c % FILTERS)
    return runs, runs * quads, each, each * quads, each * fours(quads), y_bytes, rests, odd


CONV2D_POINTWISE = Kernel("conv2d_pointwise", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling, where weights may take twice their bytes."""
    conv = call.params
    if optimize is Optimize.SMALL or pool or not isinstance(conv, Conv2dParams) or not _fits(conv.window):
        return None
    return packed_call(call, None, CONV2D_POINTWISE, _two_filters_apart, Optimize.BALANCED)


FAST = Fast(CONV2D_POINTWISE, fit, rank=2, waits_less=0.07)  # on an nRF52840 DS-CNN shows twice that
