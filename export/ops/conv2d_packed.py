"""CONV_2D with the MAX_POOL_2D that follows it, if one does: `conv2d_packed_s8`, and two with a byte a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import (
    DSP,
    MOST_BYTE,
    MOST_WEIGHT,
    PackedOutput,
    fours,
    is_affordable,
    pack_bytes,
    pack_output,
    pack_quads,
    pack_two_filters,
    rounded_up,
)
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

MOST_MORE = 8  # quads times groups for each row of a window that filling rows up may cost


@dataclass(frozen=True, eq=False)
class Conv2dPackedParams(Params):
    """The members of `conv2d_packed_params`."""

    c_type: ClassVar[str] = "conv2d_packed_params"

    weights: NDArray[np.int16]  # (groups, quads, 2, 4, 2); of the others (groups, quads, 2, 2, 2)
    x_zero_point: int
    row_taps: int
    window: Window
    pool: Window
    output: PackedOutput


def no_pool(window: Window) -> Window:
    """The pooling that leaves the output of a convolution as it is."""
    h, w, c = window.y_h, window.y_w, window.y_c
    return Window(h, w, c, h, w, c, 1, 1, 1, 1, 1, 1, 0, 0)


Packing = Callable[[NDArray[np.int16]], "NDArray[np.int16] | None"]  # of filters (y_c, taps)


def doubled_quads(filters: NDArray[np.int16]) -> NDArray[np.int16]:
    """The weights of `conv2d_packed_s8`."""
    return pack_quads(2 * filters)


def two_filters(filters: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """Those of `conv2d_bytes_s8`."""
    return pack_two_filters(filters.astype(np.int8))


def single_bytes(filters: NDArray[np.int16]) -> NDArray[np.int16]:
    """Those of `conv2d_wide_s8`: two of its bytes a number."""
    return pack_bytes(filters.astype(np.int8)).view("<i2")


def pack(conv: Conv2dParams, pool: Window, packing: Packing = doubled_quads) -> Conv2dPackedParams | None:
    """The packed layer with its weights in a kernel's order; None where its numbers do not fit that kernel."""
    most = MOST_BYTE if packing in (two_filters, single_bytes) else MOST_WEIGHT
    output = pack_output(conv.bias, conv.weights, conv.output, most)
    if output is None:
        return None
    filters = output.scaled(conv.weights).reshape(conv.window.y_c, -1)
    weights = packing(filters)
    if weights is None:
        return None
    row_taps = filters.shape[1] // conv.window.k_h
    return Conv2dPackedParams(weights, conv.x_zero_point, row_taps, conv.window, pool, output)


def scratch_bytes(params: Conv2dPackedParams) -> int:
    """The sums of two output pixels and the largest ones, without a pooling those of four channels; what both see in
    16 bits; and what one sees in 8 where x does not hold every row of it in whole words.
    """
    window, pool = params.window, params.pool
    taps = rounded_up(window.k_h * params.row_taps)
    sums = 16 * rounded_up(window.y_c) if max(pool.k_h, pool.k_w) > 1 else 32
    words = params.row_taps % 4 == 0 and window.dilation_w == 1
    copied = 0 if _reads_words(params) or (words and window.x_c % 4 == 0) else params.row_taps if words else taps
    return sums + 4 * taps + copied


def _reads_words(params: Conv2dPackedParams) -> bool:
    """Whether every row of every window is a whole number of words inside x."""
    window = params.window
    last_row = (window.y_h - 1) * window.stride_h - window.pad_h + (window.k_h - 1) * window.dilation_h
    last_column = (window.y_w - 1) * window.stride_w - window.pad_w + window.k_w - 1
    inside = window.pad_h == window.pad_w == 0 and last_row < window.x_h and last_column < window.x_w
    behind = (last_column + 1) * window.x_c + params.row_taps - window.k_w * window.x_c  # where the last row ends
    inside = inside and (last_row + 1 < window.x_h or behind <= window.x_w * window.x_c)
    return inside and params.row_taps % 4 == 0 and window.dilation_w == 1


def leads(params: Conv2dPackedParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, params.pool),)


def events(params: Conv2dPackedParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    outputs = pool.y_h * pool.y_w
    looks = outputs * pool.k_h * pool.k_w
    inside = looks * windows_inside(window) // (window.y_h * window.y_w)
    row = params.row_taps
    words = row % 4 == 0 and window.dilation_w == 1
    whole, edges, gathered = (inside, looks - inside, 0) if words else (0, 0, looks)
    pairs, groups, quads = -(-looks // 2), fours(window.y_c), fours(window.k_h * row)
    pointwise = pool.k_h * pool.k_w * window.k_h * window.k_w * window.stride_h * window.stride_w == 1
    return (
        0 if pointwise else pairs,
        pairs if pointwise else 0,
        pairs * groups,
        pairs * groups * quads,
        pairs * groups * fours(quads),
        outputs * pool.y_c,
        (looks - outputs) * pool.y_c,
        whole * window.k_h,
        looks * quads,
        gathered * window.k_h,
        edges * window.k_h,
        gathered * window.k_h * window.k_w,
    )


CONV2D_PACKED = Kernel("conv2d_packed", scratch_bytes, leads, events=events, folder=DSP)
CONV2D_BYTES = Kernel("conv2d_bytes", scratch_bytes, leads, events=events, folder=DSP)
CONV2D_WIDE = Kernel("conv2d_wide", scratch_bytes, leads, events=events, folder=DSP)


def _with_whole_rows(conv: Conv2dParams) -> Conv2dParams:
    """The layer with zeros behind each row of its windows, so that rows are words, where that costs less than it saves:
    rows of other lengths are copied before they are widened.
    """
    window = conv.window
    row = window.k_w * window.x_c
    more = fours(window.k_h * rounded_up(row)) - fours(window.k_h * row)
    if row % 4 == 0 or window.dilation_w > 1 or more * fours(window.y_c) > MOST_MORE * window.k_h:
        return conv
    rows = conv.weights.reshape(window.y_c, window.k_h, row)
    return replace(conv, weights=np.pad(rows, ((0, 0), (0, 0), (0, -row % 4))))


def packed_call(
    call: Call, pool: Window | None, kernel: Kernel, packing: Packing, most: Optimize | None = None
) -> Call | None:
    """The call of a kernel that reads such weights, where they fit it; `most`: and are no more than that affords."""
    if not isinstance(call.params, Conv2dParams):
        return None
    params = pack(_with_whole_rows(call.params), pool or no_pool(call.params.window), packing)
    if params is None or (most and not is_affordable(params.weights, most)):
        return None
    return replace(call, kernel=kernel, params=params)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With 16 bits a weight, where these are few enough."""
    return packed_call(call, pool, CONV2D_PACKED, doubled_quads, Optimize.BALANCED)


def fit_bytes(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With one byte a weight, those of two filters in a number."""
    return packed_call(call, pool, CONV2D_BYTES, two_filters)


def fit_wide(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With one byte a weight whatever the sums."""
    return packed_call(call, pool, CONV2D_WIDE, single_bytes)


def fit_large(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With 16 bits a weight, where a byte does not hold what a power of two makes of some."""
    return packed_call(call, pool, CONV2D_PACKED, doubled_quads, Optimize.FAST)


def fit_small(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """One of the two before all others, where weights are to be small."""
    return (fit_bytes(call, pool, optimize) or fit_wide(call, pool, optimize)) if optimize is Optimize.SMALL else None


SMALL = Fast(CONV2D_BYTES, fit_small, rank=1)
FAST = Fast(CONV2D_PACKED, fit, rank=2)
BYTES = Fast(CONV2D_BYTES, fit_bytes, rank=3)
WIDE = Fast(CONV2D_WIDE, fit_wide, rank=4)
LARGE = Fast(CONV2D_PACKED, fit_large, rank=5)
