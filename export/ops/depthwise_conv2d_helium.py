"""DEPTHWISE_CONV_2D with one filter a channel: the kernel `depthwise_conv2d_helium_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import rounded_up
from tinyproof.export.ops.vectors import HELIUM, VectorOutput, pack_vectors
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

EIGHT = 8
CHUNK = 16  # bytes copied at once
LEAST_WEIGHT = -127  # two products of it and of -128 fit 16 bits


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dHeliumParams(Params):
    """The members of `depthwise_conv2d_helium_params`."""

    c_type: ClassVar[str] = "depthwise_conv2d_helium_params"

    weights: NDArray[np.int8]  # (octets, k_h * k_w, 8)
    x_zero_point: int
    window: Window
    output: VectorOutput


def pack(conv: DepthwiseConv2dParams) -> DepthwiseConv2dHeliumParams | None:
    """The packed layer, of at least eight channels; None where its numbers do not fit the kernel."""
    by_channel = np.moveaxis(conv.weights, 2, 0)  # (y_c, k_h, k_w)
    packed = pack_vectors(conv.bias, by_channel, conv.output)
    if packed is None or packed[1].min() < LEAST_WEIGHT:
        return None
    output, weights = packed
    starts = np.minimum(np.arange(0, len(weights), EIGHT), len(weights) - EIGHT)
    octets = starts[:, None] + np.arange(EIGHT)
    rows = output.channels.swapaxes(1, 2).reshape(-1, 4)  # (y_c, 4)
    fours = (
        octets.reshape(-1, EIGHT // 2, 2).swapaxes(1, 2).reshape(-1, EIGHT // 2)
    )  # 0, 2, 4, 6 and 1, 3, 5, 7 of eight
    channels = np.ascontiguousarray(rows[fours].swapaxes(1, 2))
    taps = weights.reshape(len(weights), -1)[octets]  # (octets, 8, taps)
    return DepthwiseConv2dHeliumParams(
        np.ascontiguousarray(taps.swapaxes(1, 2)), conv.x_zero_point, conv.window, replace(output, channels=channels)
    )


def scratch_bytes(params: DepthwiseConv2dHeliumParams) -> int:
    """What an output pixel at the border sees."""
    window = params.window
    return rounded_up(window.k_h * window.k_w * window.x_c)


def leads(params: DepthwiseConv2dHeliumParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, no_pool(params.window), together=1),)


def events(params: DepthwiseConv2dHeliumParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    pixels, octets = window.y_h * window.y_w, -(-window.x_c // EIGHT)
    border = pixels - windows_inside(window)
    rows, is_usual = pixels * octets * window.k_h, window.k_w == 3
    return (
        pixels,
        border,
        border * window.k_h,
        border * window.k_h * -(-window.k_w * window.x_c // CHUNK),
        pixels * octets * is_usual,
        rows * is_usual,
        pixels * octets * (not is_usual),
        rows * (not is_usual),
        rows * (window.k_w // 2) * (not is_usual),
    )


DEPTHWISE_CONV2D_HELIUM = Kernel("depthwise_conv2d_helium", scratch_bytes, leads, events=events, folder=HELIUM)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling, and as many channels out as in."""
    conv = call.params
    if pool or not isinstance(conv, DepthwiseConv2dParams) or not EIGHT <= conv.window.x_c == conv.window.y_c:
        return None
    params = pack(conv)
    return replace(call, kernel=DEPTHWISE_CONV2D_HELIUM, params=params) if params else None


FAST = Fast(DEPTHWISE_CONV2D_HELIUM, fit, rank=-1)  # before any kernel without vectors
