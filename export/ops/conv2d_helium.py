"""CONV_2D, with the MAX_POOL_2D that follows it if one does, and FULLY_CONNECTED: the kernel `conv2d_helium_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams, as_pixels
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import fours, rounded_up
from tinyproof.export.ops.vectors import FOUR, HELIUM, VectorOutput, pack_vectors
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

CHUNK = 16  # taps in a vector
TOGETHER = 2  # pixels that see the same weights
GATHERED = 256  # bytes of the image of which one instruction takes sixteen


@dataclass(frozen=True, eq=False)
class Conv2dHeliumParams(Params):
    """The members of `conv2d_helium_params`."""

    c_type: ClassVar[str] = "conv2d_helium_params"

    weights: NDArray[np.int8]  # (groups, chunks, 4, 16)
    x_zero_point: int
    window: Window
    pool: Window
    output: VectorOutput


def pack(conv: Conv2dParams, pool: Window) -> Conv2dHeliumParams | None:
    """The packed layer; None where its numbers do not fit the kernel."""
    if (packed := pack_vectors(conv.bias, conv.weights, conv.output)) is None:
        return None
    output, weights = packed
    filters = weights.reshape(len(weights), -1)
    filled = np.pad(filters, ((0, -filters.shape[0] % FOUR), (0, -filters.shape[1] % CHUNK)))
    groups = filled.reshape(-1, FOUR, filled.shape[1] // CHUNK, CHUNK).swapaxes(1, 2)
    return Conv2dHeliumParams(np.ascontiguousarray(groups), conv.x_zero_point, conv.window, pool, output)


def _lie_so(window: Window, pool: Window) -> bool:
    """Whether windows inside the image lie in it as single pixels see them."""
    in_a_row = window.k_h == 1 or (window.k_w == window.x_w and window.dilation_h == 1)
    return pool.k_h * pool.k_w == 1 and in_a_row and (window.k_w == 1 or window.dilation_w == 1)


def _laid(window: Window, pool: Window) -> int:
    """How many windows are laid side by side."""
    return pool.y_h * pool.y_w * pool.k_h * pool.k_w - _lie_so(window, pool) * windows_inside(window)


def _are_few(window: Window, pool: Window) -> bool:
    """Whether the weights of four filters stay in registers for all pixels of a pooling."""
    return not _lie_so(window, pool) and window.k_h * window.k_w * window.x_c <= CHUNK


def _gathered(window: Window, pool: Window) -> int:
    """How many of them one instruction takes: at most sixteen taps inside the image, the last within a byte's reach."""
    last = (window.k_h - 1) * window.dilation_h * window.x_w + (window.k_w - 1) * window.dilation_w
    if not _are_few(window, pool) or (last + 1) * window.x_c > GATHERED:
        return 0
    share = windows_inside(window) / (window.y_h * window.y_w)  # a pooling takes most windows
    return round(_laid(window, pool) * share)


def scratch_bytes(params: Conv2dHeliumParams) -> int:
    """What the pixels see that are computed together."""
    window, pool = params.window, params.pool
    pixels, taps = pool.y_h * pool.y_w, window.k_h * window.k_w * window.x_c
    if not _laid(window, pool):
        return CHUNK
    together = 1 if _are_few(window, pool) else min(TOGETHER, pixels)
    return rounded_up(max(pool.k_h * pool.k_w, together) * max(taps, CHUNK))


def leads(params: Conv2dHeliumParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    together = 1 if params.pool.k_h * params.pool.k_w > 1 else TOGETHER
    return (lead_bytes(params.window, params.pool, together),)


def events(params: Conv2dHeliumParams) -> Events:
    """How often it does each thing that has a price."""
    window, pool = params.window, params.pool
    pixels, looks, gathered = pool.y_h * pool.y_w, pool.k_h * pool.k_w, _gathered(window, pool)
    laid = _laid(window, pool) - gathered
    taps, groups, rows = window.k_h * window.k_w * window.x_c, fours(window.y_c), laid * window.k_h
    few = pixels * looks * _are_few(window, pool)
    alone = pixels if taps < CHUNK else pixels % TOGETHER
    one, two = (0, pixels * -(-looks // TOGETHER)) if looks > 1 else (alone, (pixels - alone) // TOGETHER)
    return (
        pixels,
        gathered,
        laid,
        rows,
        rows * -(-window.k_w * window.x_c // CHUNK),
        pixels * groups,
        groups * few,
        *(groups * one * (not few) * each for each in (1, -(-taps // CHUNK))),
        *(groups * two * (not few) * each for each in (1, taps // CHUNK, taps % CHUNK > 0)),
    )


CONV2D_HELIUM = Kernel("conv2d_helium", scratch_bytes, leads, events=events, folder=HELIUM)


def is_inside(pool: Window) -> bool:
    """Whether all of its windows lie wholly inside what they pool."""
    rows = (pool.y_h - 1) * pool.stride_h + (pool.k_h - 1) * pool.dilation_h < pool.x_h
    columns = (pool.y_w - 1) * pool.stride_w + (pool.k_w - 1) * pool.dilation_w < pool.x_w
    return pool.pad_h == pool.pad_w == 0 and pool.dilation_h == pool.dilation_w == 1 and rows and columns


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Whatever `Optimize` says: a weight is a byte."""
    conv = call.params
    if isinstance(conv, DenseParams) and conv.rows == 1:  # those of more rows come as convolutions
        conv = as_pixels(conv)
    if not isinstance(conv, Conv2dParams) or (pool and not is_inside(pool)):
        return None
    params = pack(conv, pool or no_pool(conv.window))
    return replace(call, kernel=CONV2D_HELIUM, params=params) if params else None


FAST = Fast(CONV2D_HELIUM, fit, rank=-1)  # before any kernel without vectors
