"""DEPTHWISE_CONV_2D with 3 x 3 filters, the kernel `depthwise_conv2d_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, pack_output
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

SCRATCH_BYTES = 2048  # more only where two rows of the output need more
QUAD = 4


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedParams(Params):
    """The members of `depthwise_conv2d_packed_params`."""

    c_type: ClassVar[str] = "depthwise_conv2d_packed_params"

    channels: NDArray[np.int32]  # (y_c, 10)
    x_zero_point: int
    rows: int
    window: Window
    y_min: int
    y_max: int


def pack(conv: DepthwiseConv2dParams) -> DepthwiseConv2dPackedParams | None:
    """The packed layer; None where geometry or numbers do not fit the kernel."""
    window = conv.window
    by_channel = np.moveaxis(conv.weights, 2, 0)  # (y_c, k_h, k_w)
    output = pack_output(conv.bias, by_channel, conv.output, MOST_WEIGHT)
    three_by_three = (window.k_h, window.k_w, window.dilation_h, window.dilation_w) == (3, 3, 1, 1)
    steps = (window.stride_h, window.stride_w) == (1, 1) or window.stride_h == 2
    if output is None or not three_by_three or not steps or window.x_c != window.y_c or window.x_c % QUAD:
        return None
    doubled = 2 * output.scaled(by_channel).astype("<i2")
    pairs = np.stack([doubled[:, :2], doubled[:, 1:]], axis=2)  # (y_c, row of the pair, which pair, k_w)
    words = np.ascontiguousarray(pairs.transpose(0, 3, 2, 1)).reshape(window.y_c, -1).view("<i4")
    channels = np.concatenate([words.astype(np.int32), output.channels], axis=1)
    rows = _rows(window)
    return DepthwiseConv2dPackedParams(channels, conv.x_zero_point, rows, window, output.y_min, output.y_max)


def _plane_bytes(window: Window, rows: int) -> int:
    pairs = rows // 2 + 1 if window.stride_h == 1 else rows + 1
    return 4 * QUAD * pairs * ((window.y_w - 1) * window.stride_w + 3)


def _rows(window: Window) -> int:
    """How many rows of the output are computed from one plane: as many as fit `SCRATCH_BYTES`, an even number."""
    rows = 2
    while rows < window.y_h and _plane_bytes(window, rows + 2) <= SCRATCH_BYTES:
        rows += 2
    return rows


def scratch_bytes(params: DepthwiseConv2dPackedParams) -> int:
    """The planes of four channels."""
    return _plane_bytes(params.window, params.rows)


def leads(params: DepthwiseConv2dPackedParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it.

    What `rows` rows see is read again for every four channels.
    """
    window, rows = params.window, params.rows
    x_row, y_row = window.x_w * window.x_c, window.y_w * window.y_c
    starts = range(0, window.y_h, rows)
    seen = (max(i * window.stride_h - window.pad_h, 0) for i in starts)
    return (max(min(i + rows, window.y_h) * y_row - top * x_row for i, top in zip(starts, seen, strict=True)),)


def events(params: DepthwiseConv2dPackedParams) -> Events:
    """How often it does each thing that has a price."""
    window = params.window
    bands = -(-window.y_h // params.rows)
    pairs = params.rows // 2 + 1 if window.stride_h == 1 else params.rows + 1
    columns = (window.y_w - 1) * window.stride_w + 3
    rows = window.y_c * (-(-window.y_h // 2) if window.stride_h == 1 else window.y_h)
    planes = bands * window.y_c // 4
    double, single = (rows * window.y_w, 0) if window.stride_h == 1 else (0, rows * window.y_w)
    return planes, planes * pairs, planes * pairs * columns, bands * window.y_c, rows, double, single


DEPTHWISE_CONV2D_PACKED = Kernel("depthwise_conv2d_packed", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    params = pack(call.params) if not pool and isinstance(call.params, DepthwiseConv2dParams) else None
    return replace(call, kernel=DEPTHWISE_CONV2D_PACKED, params=params) if params else None


FAST = Fast(DEPTHWISE_CONV2D_PACKED, fit)
