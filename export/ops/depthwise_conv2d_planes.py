"""DEPTHWISE_CONV_2D one channel at a time, each laid out as a plane of bytes: `depthwise_conv2d_planes_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.memory_plan import IN_PLACE
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import MOST_WEIGHT, PackedOutput, pack_output
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPlanesParams(Params):
    """The members of `depthwise_conv2d_planes_params`."""

    c_type: ClassVar[str] = "depthwise_conv2d_planes_params"

    weights: NDArray[np.int16]  # (y_c, k_h * k_w)
    x_zero_point: int
    plane_h: int
    plane_w: int
    window: Window
    output: PackedOutput


def _is_three(window: Window) -> bool:
    """Whether the kernel has a loop for it, which makes two rows at once."""
    square = (window.k_h, window.k_w, window.dilation_h, window.dilation_w) == (3, 3, 1, 1)
    return square and window.stride_h == window.stride_w <= 2


def scratch_bytes(params: DepthwiseConv2dPlanesParams) -> int:
    """One channel of x with all that windows see of it."""
    return params.plane_h * params.plane_w


def leads(params: DepthwiseConv2dPlanesParams) -> tuple[int | None]:
    """In place, where each channel of y takes the place of the same one of x."""
    window = params.window
    fits = window.x_c == window.y_c and window.y_h * window.y_w <= window.x_h * window.x_w
    return (IN_PLACE if fits else None,)


def events(params: DepthwiseConv2dPlanesParams) -> Events:
    """How often it does each thing that has a price."""
    window, plane = params.window, params.plane_h * params.plane_w
    rows = window.x_c * min(params.plane_h - window.pad_h, window.x_h)
    laid = plane, window.x_c, rows, rows * (min(params.plane_w - window.pad_w, window.x_w) // 4)
    channels, pairs, lines = window.y_c, window.y_c * -(-window.y_h // 2), window.y_c * window.y_h
    if _is_three(window):
        twos = window.stride_h - 1
        return (*laid, channels, pairs, pairs * window.y_w * (1 - twos), pairs * window.y_w * twos, 0, 0, 0, 0, 0)
    outputs = lines * window.y_w
    inner = outputs * window.k_h
    return (*laid, channels, 0, 0, 0, lines, outputs, inner, inner * (window.k_w // 4), inner * (window.k_w % 4))


DEPTHWISE_CONV2D_PLANES = Kernel("depthwise_conv2d_planes", scratch_bytes, leads, events=events, folder="planes")


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    conv = call.params
    if pool or not isinstance(conv, DepthwiseConv2dParams):
        return None
    by_channel = np.moveaxis(conv.weights, 2, 0)  # (y_c, k_h, k_w)
    output = pack_output(conv.bias, by_channel, conv.output, MOST_WEIGHT)
    if output is None:
        return None
    window = conv.window
    weights = 2 * output.scaled(by_channel).reshape(window.y_c, -1)
    rows = window.y_h + (window.y_h % 2 if _is_three(window) else 0)
    plane_h = (rows - 1) * window.stride_h + (window.k_h - 1) * window.dilation_h + 1
    plane_w = (window.y_w - 1) * window.stride_w + (window.k_w - 1) * window.dilation_w + 1
    params = DepthwiseConv2dPlanesParams(weights, conv.x_zero_point, plane_h, plane_w, window, output)
    return replace(call, kernel=DEPTHWISE_CONV2D_PLANES, params=params)


FAST = Fast(DEPTHWISE_CONV2D_PLANES, fit)
