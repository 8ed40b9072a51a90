"""DEPTHWISE_CONV_2D from the image as it lies, four channels at a time: the kernel `depthwise_conv2d_taps_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, PackedOutput, fours, pack_output, rounded_up
from tinyproof.export.ops.window import Window, lead_bytes, windows_inside
from tinyproof.optimize import Optimize

QUAD = 4


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dTapsParams(Params):
    """The members of `depthwise_conv2d_taps_params`."""

    c_type: ClassVar[str] = "depthwise_conv2d_taps_params"

    channels: NDArray[np.int32]  # (y_c / x_c, quads, 4 + 4 * pairs + 12)
    x_zero_point: int
    pairs: int
    window: Window
    y_min: int
    y_max: int


def pack(conv: DepthwiseConv2dParams) -> DepthwiseConv2dTapsParams | None:
    """The packed layer; None where its numbers do not fit the kernel, or it has fewer channels than a word holds."""
    window = conv.window
    by_channel = np.moveaxis(conv.weights, 2, 0)  # (y_c, k_h, k_w)
    output = pack_output(conv.bias, by_channel, conv.output, MOST_WEIGHT) if window.x_c >= QUAD else None
    if output is None:
        return None
    return DepthwiseConv2dTapsParams(
        channels=_table(output, by_channel, window),
        x_zero_point=conv.x_zero_point,
        pairs=-(-window.k_h * window.k_w // 2),
        window=window,
        y_min=output.y_min,
        y_max=output.y_max,
    )


def _table(output: PackedOutput, by_channel: NDArray[np.int8], window: Window) -> NDArray[np.int32]:
    taps = 2 * output.scaled(by_channel).reshape(window.y_c, -1).astype("<i2")
    pairs = np.ascontiguousarray(np.pad(taps, ((0, 0), (0, taps.shape[1] % 2)))).view("<i4").astype(np.int32)
    starts = np.minimum(QUAD * np.arange(fours(window.x_c)), window.x_c - QUAD)
    each = window.y_c // window.x_c
    of_quads = (starts[:, None] + np.arange(QUAD)) * each  # (quads, 4): what four channels become first
    places = np.arange(each)[:, None, None] + of_quads  # (y_c / x_c, quads, 4)
    scales = output.channels[places]  # (y_c / x_c, quads, 4, 4)
    parts = scales[..., :1], pairs[places].swapaxes(-1, -2), scales[..., 1:]
    return np.concatenate([part.reshape(*places.shape[:2], -1) for part in parts], axis=2)


def scratch_bytes(params: DepthwiseConv2dTapsParams) -> int:
    """Where the taps lie, of windows inside the image and of one at its border; and a pixel outside."""
    return 16 * params.pairs + rounded_up(params.window.x_c)


def leads(params: DepthwiseConv2dTapsParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    together = 1 if params.window.x_c == params.window.y_c else 0  # else a row for each channel that one becomes
    return (lead_bytes(params.window, no_pool(params.window), together),)


def events(params: DepthwiseConv2dTapsParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    pixels, inside = window.y_h * window.y_w, windows_inside(window)
    each, rows = window.y_c // window.x_c, window.y_h
    quads = pixels * each * fours(window.x_c)
    border = pixels - inside
    return (
        rows,
        border * window.k_h * window.k_w,
        (rows + border) * each,
        pixels * each,
        quads,
        quads * params.pairs,
        quads * fours(params.pairs),
    )


DEPTHWISE_CONV2D_TAPS = Kernel("depthwise_conv2d_taps", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    params = pack(call.params) if not pool and isinstance(call.params, DepthwiseConv2dParams) else None
    return replace(call, kernel=DEPTHWISE_CONV2D_TAPS, params=params) if params else None


FAST = Fast(DEPTHWISE_CONV2D_TAPS, fit)
