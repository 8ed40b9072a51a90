"""CONV_2D with the MAX_POOL_2D that follows it, if one does: `conv2d_packed_s8`, and two with a byte a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.layouts import LAYOUTS, Layout, along_line, as_it_is
from tinyproof.export.ops.packed import (
    DSP,
    GROUP,
    MOST_BYTE,
    MOST_WEIGHT,
    PackedOutput,
    fours,
    is_affordable,
    last_group,
    pack_bytes,
    pack_output,
    pack_quads,
    pack_two_filters,
    rounded_up,
)
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

PIXELS = 2  # at a time


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
    return pack_quads(2 * last_group(filters))


def two_filters(filters: NDArray[np.int16]) -> NDArray[np.int16] | None:
    """Those of `conv2d_bytes_s8`."""
    return pack_two_filters(last_group(filters).astype(np.int8))


def single_bytes(filters: NDArray[np.int16]) -> NDArray[np.int16]:
    """Those of `conv2d_wide_s8`: two of its bytes a number."""
    return pack_bytes(last_group(filters).astype(np.int8)).view("<i2")


def pack(conv: Conv2dParams, pool: Window, packing: Packing = doubled_quads) -> Conv2dPackedParams | None:
    """The packed layer with its weights in a kernel's order; None where its numbers do not fit that kernel."""
    most = MOST_BYTE if packing in (two_filters, single_bytes) else MOST_WEIGHT
    output = pack_output(conv.bias, conv.weights, conv.output, most)
    if output is None:
        return None
    rows = output.scaled(conv.weights).reshape(conv.window.y_c, conv.window.k_h, -1)
    weights = packing(rests_last(rows))
    if weights is None:
        return None
    window = conv.window
    return Conv2dPackedParams(weights, conv.x_zero_point, rows.shape[2], window, pool, filled_up(output, window.y_c))


def filled_up(output: PackedOutput, y_c: int) -> PackedOutput:
    """The output of blocks of y_c channels whose kernel reads four of each, with zeros behind the last block."""
    return replace(output, channels=np.pad(output.channels, ((0, max(0, GROUP - y_c)), (0, 0))))


def rests_last(rows: NDArray[np.int16]) -> NDArray[np.int16]:
    """Filters (y_c, k_h, row_taps) -> (y_c, taps) in the kernel's order: the whole words of each row, then what rows
    have behind them.
    """
    words = rows.shape[2] // 4 * 4
    return np.concatenate([part.reshape(len(rows), -1) for part in (rows[:, :, :words], rows[:, :, words:])], axis=1)


def scratch_bytes(params: Conv2dPackedParams) -> int:
    """The bytes of four channels of two output pixels; what these see in 16 bits; with a pooling the bytes of all
    channels; and what one pixel sees in 8 bits where that may lie outside x and its pixels are no whole words.
    """
    window = params.window
    taps = rounded_up(window.k_h * params.row_taps)
    copied = 0 if _is_inside(params) or _has_words(window) else taps
    return bytes_beside(params.pool) + 4 * taps + copied


def bytes_beside(pool: Window, blocks: int = 1) -> int:
    """Of the scratch: those of outputs, of two pixels and so many blocks of channels."""
    pooled = rounded_up(2 * blocks * pool.y_c) if max(pool.k_h, pool.k_w) > 1 else 0
    return 2 * GROUP + pooled


def _has_words(window: Window) -> bool:
    """Whether what a window sees at a border, or of pixels that lie apart, is whole words too."""
    return window.x_c % 4 == 0


def _is_inside(params: Conv2dPackedParams) -> bool:
    """Whether x holds all that is read of it for every window."""
    window = params.window
    last_row = (window.y_h - 1) * window.stride_h - window.pad_h + (window.k_h - 1) * window.dilation_h
    last_column = (window.y_w - 1) * window.stride_w - window.pad_w + window.k_w - 1
    inside = window.pad_h == window.pad_w == 0 and last_row < window.x_h and last_column < window.x_w
    behind = (last_column + 1) * window.x_c + params.row_taps - window.k_w * window.x_c  # where the last row ends
    inside = inside and (last_row + 1 < window.x_h or behind <= window.x_w * window.x_c)
    return inside and window.dilation_w == 1


def leads(params: Conv2dPackedParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, params.pool, PIXELS),)


def events(params: Conv2dPackedParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    outputs = pool.y_h * pool.y_w
    looks = outputs * pool.k_h * pool.k_w
    inside = looks * windows_inside(window) // (window.y_h * window.y_w)
    row, rest = params.row_taps, params.row_taps % 4
    runs = window.k_h * (window.k_w if window.dilation_w > 1 else 1)
    inside = inside if window.dilation_w == 1 or _has_words(window) else 0
    edges, gathered = (looks - inside, 0) if _has_words(window) else (0, looks - inside)
    pairs, groups, quads = -(-looks // 2), fours(window.y_c), fours(window.k_h * row)
    pointwise = pool.k_h * pool.k_w * window.k_h * window.k_w * window.stride_h * window.stride_w == 1
    return (
        0 if pointwise else pairs,
        pairs if pointwise else 0,
        pairs * groups,
        pairs * groups * quads,
        pairs * groups * fours(quads),
        pairs if pool.y_c % 4 else 0,
        (looks - outputs) * pool.y_c,
        inside * runs,
        looks * window.k_h * (row // 4),
        looks * window.k_h * rest,
        gathered * window.k_h,
        edges * runs,
        gathered * window.k_h * window.k_w,
        (looks - inside) * quads,
    )


CONV2D_PACKED = Kernel("conv2d_packed", scratch_bytes, leads, events=events, folder=DSP)
CONV2D_BYTES = Kernel("conv2d_bytes", scratch_bytes, leads, events=events, folder=DSP)
CONV2D_WIDE = Kernel("conv2d_wide", scratch_bytes, leads, events=events, folder=DSP)


def packed_call(
    call: Call,
    pool: Window | None,
    kernel: Kernel,
    packing: Packing,
    most: Optimize | None = None,
    layout: Layout = as_it_is,
) -> Call | None:
    """The call of a kernel that reads such weights, where they fit it; `most`: and are no more than that affords."""
    packs = partial(pack, packing=packing)
    params = laid_out(call.params, pool, layout, packs) if isinstance(call.params, Conv2dParams) else None
    if params is None or (most and not is_affordable(params.weights, most)):
        return None
    return replace(call, kernel=kernel, params=params)


Packed = TypeVar("Packed")


def laid_out(
    conv: Conv2dParams, pool: Window | None, layout: Layout, packs: Callable[[Conv2dParams, Window], Packed | None]
) -> Packed | None:
    """What a kernel makes of a layer in such a layout; None where it has none, or the kernel does not take it."""
    conv, own_pool = along_line(conv, pool or no_pool(conv.window))
    found = layout(conv, own_pool if pool else None)
    return packs(found, own_pool if pool else no_pool(found.window)) if found else None


def _fast(kernel: Kernel, packing: Packing, rank: int, most: Optimize | None = None) -> tuple[Fast, ...]:
    """A kernel of its rank, for each layout of a window's rows."""

    def fit(layout: Layout, call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
        return packed_call(call, pool, kernel, packing, most, layout)

    return tuple(Fast(kernel, partial(fit, layout), rank) for layout in LAYOUTS)


def _fit_small(layout: Layout, call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """One with a byte a weight before all others, where weights are to be small."""
    if optimize is not Optimize.SMALL:
        return None
    return packed_call(call, pool, CONV2D_BYTES, two_filters, layout=layout) or packed_call(
        call, pool, CONV2D_WIDE, single_bytes, layout=layout
    )


SMALL = tuple(Fast(CONV2D_BYTES, partial(_fit_small, layout), rank=1) for layout in LAYOUTS)
FAST = _fast(CONV2D_PACKED, doubled_quads, 2, Optimize.BALANCED)  # where weights of 16 bits are few enough
BYTES = _fast(CONV2D_BYTES, two_filters, 3)
WIDE = _fast(CONV2D_WIDE, single_bytes, 4)
LARGE = _fast(CONV2D_PACKED, doubled_quads, 5, Optimize.FAST)  # a byte does not hold what a power of two makes of some
