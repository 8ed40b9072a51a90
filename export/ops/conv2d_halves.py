"""CONV_2D with two filters in one multiplication, with the 2 x 2 MAX_POOL_2D that follows it: `conv2d_halves_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import PackedOutput, fours, is_affordable, last_group, pack_output
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

PIXELS = 4  # at a time
PAIR = 2  # filters in a word
HALF = 2**15  # what 16 bits hold on either side of zero
MOST_WEIGHT = 2**13 - 1  # two taps of it would fill a half


@dataclass(frozen=True, eq=False)
class Conv2dHalvesParams(Params):
    """The members of `conv2d_halves_params`. segments: of all pairs of filters."""

    c_type: ClassVar[str] = "conv2d_halves_params"
    members: ClassVar[tuple[str, ...]] = ("weights", "x_zero_point", "taps", "window", "pool", "output")

    weights: NDArray[np.int32]
    x_zero_point: int
    taps: int
    window: Window
    pool: Window
    output: PackedOutput
    segments: int


def segment_lengths(filters: NDArray[np.int64]) -> list[int] | None:
    """How many taps follow each other without leaving 16 bits, whatever bytes they meet; filters (2, an even number of
    taps). None where two are too many.

    >>> segment_lengths(np.array([[100, 100, 50, 1], [1, 1, 1, 1]]))
    [2, 2]
    """
    pairs = filters.reshape(2, -1, 2)
    most = np.where(pairs > 0, 127 * pairs, -128 * pairs).sum(axis=2)  # (2, pairs of taps)
    least = np.where(pairs > 0, -128 * pairs, 127 * pairs).sum(axis=2)
    if most.max(initial=0) >= HALF or least.min(initial=0) < -HALF:
        return None
    lengths: list[int] = []
    high = low = np.full(2, HALF)
    for up, down in zip(most.T, least.T, strict=True):
        if np.any(high + up >= HALF) or np.any(low + down < -HALF):
            lengths.append(0)
            high = low = np.zeros(2, np.int64)
        high, low = high + up, low + down
        lengths[-1] += 2
    return lengths


def pack(conv: Conv2dParams, pool: Window) -> Conv2dHalvesParams | None:
    """The layer with its weights in the kernel's order; None where its numbers do not fit it."""
    output = pack_output(conv.bias, conv.weights, conv.output, MOST_WEIGHT)
    if output is None:
        return None
    filters = last_group(output.scaled(conv.weights).reshape(conv.window.y_c, -1), PAIR).astype(np.int64)
    filters = np.pad(filters, ((0, 0), (0, filters.shape[1] % 2)))
    words: list[int] = []
    channels, segments = last_group(output.channels, PAIR).astype(np.int64), 0
    for o in range(0, len(filters), PAIR):
        lengths = segment_lengths(filters[o : o + PAIR])
        if lengths is None:
            return None
        both, at = filters[o] + (filters[o + 1] << 16), 0
        for length in lengths:
            words += [4 * PIXELS * length, *both[at : at + length].tolist()]
            at += length
        words.append(0)
        channels[o, 0] -= 2 * HALF * len(lengths)
        segments += len(lengths)
    stream = (np.array(words, np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    table = (channels & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return Conv2dHalvesParams(
        stream, conv.x_zero_point, filters.shape[1], conv.window, pool, replace(output, channels=table), segments
    )


def fits(pool: Window | None) -> bool:
    """Whether the kernels that take four pixels at a time take such a pooling: none, or whole windows of 2 x 2."""
    if pool is None:
        return True
    twos = (pool.k_h, pool.k_w, pool.stride_h, pool.stride_w) == (2, 2, 2, 2)
    return twos and pool.pad_h == pool.pad_w == 0 and 2 * pool.y_h <= pool.x_h and 2 * pool.y_w <= pool.x_w


def scratch_bytes(params: Conv2dHalvesParams) -> int:
    """What four output pixels see, in 32 bits."""
    return 4 * PIXELS * params.taps


def leads(params: Any) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, params.pool, 1 if max(params.pool.k_h, params.pool.k_w) > 1 else PIXELS),)


def looks(window: Window, pool: Window) -> Events:
    """How often it is laid out what a pixel sees, and of that rows, words, what rows have behind them, and pixels at
    borders.
    """
    outputs = pool.y_h * pool.y_w
    pixels = PIXELS * (outputs if pool.k_h > 1 else fours(outputs))
    inside = pixels * windows_inside(window) // (window.y_h * window.y_w) if window.dilation_w == 1 else 0
    row, border = window.k_w * window.x_c, (pixels - inside) * window.k_h * window.k_w
    rest = inside * window.k_h * (row % 4) + border * (window.x_c % 4)
    return pixels, pixels * window.k_h, pixels * window.k_h * (row // 4), rest, border


def events(params: Conv2dHalvesParams) -> Events:
    """How often it does each thing that has a price."""
    window, pooled = params.window, params.pool.k_h > 1
    seen = looks(window, params.pool)
    runs = seen[0] // PIXELS
    pairs = runs * -(-window.y_c // PAIR)
    return *seen, 0 if pooled else pairs, pairs * pooled, runs * params.segments, pairs * params.taps


CONV2D_HALVES = Kernel("conv2d_halves", scratch_bytes, leads, events=events, folder="halves")


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Where weights may take more than twice their bytes."""
    conv = call.params
    if optimize is Optimize.SMALL or not isinstance(conv, Conv2dParams) or conv.window.y_c < PAIR or not fits(pool):
        return None
    params = pack(conv, pool or no_pool(conv.window))
    if params is None or not is_affordable(params.weights):
        return None
    return replace(call, kernel=CONV2D_HALVES, params=params)


FAST = Fast(CONV2D_HALVES, fit, rank=2)
