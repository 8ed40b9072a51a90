"""DEPTHWISE_CONV_2D with 3 x 3 filters, the kernel `depthwise_conv2d_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import ConstantTable, Field, Struct
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Kernel, Params
from tinyproof.export.ops.packed import pack_output
from tinyproof.export.ops.window import Window, emit_window

SCRATCH_BYTES = 2048  # more only where two rows of the output need more
QUAD = 4


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedParams(Params):
    """The members of `depthwise_conv2d_packed_params`."""

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
    output = pack_output(conv.bias, by_channel, conv.output)
    three_by_three = (window.k_h, window.k_w, window.dilation_h, window.dilation_w) == (3, 3, 1, 1)
    steps = (window.stride_h, window.stride_w) == (1, 1) or window.stride_h == 2
    if output is None or not three_by_three or not steps or window.x_c != window.y_c or window.x_c % QUAD:
        return None
    doubled = 2 * by_channel.astype("<i2")
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


def emit(params: DepthwiseConv2dPackedParams) -> Struct:
    """The C initializer."""
    return Struct(
        "depthwise_conv2d_packed_params",
        (
            Field("channels", ConstantTable(params.channels)),
            Field("x_zero_point", params.x_zero_point),
            Field("rows", params.rows),
            Field("window", emit_window(params.window)),
            Field("y_min", params.y_min),
            Field("y_max", params.y_max),
        ),
    )


def scratch_bytes(params: DepthwiseConv2dPackedParams) -> int:
    """The planes of four channels."""
    return _plane_bytes(params.window, params.rows)


def leads(params: DepthwiseConv2dPackedParams) -> tuple[int]:
    """How far before x y must begin to overwrite it: what `rows` rows see is read again for every four channels."""
    window, rows = params.window, params.rows
    x_row, y_row = window.x_w * window.x_c, window.y_w * window.y_c
    starts = range(0, window.y_h, rows)
    seen = (max(i * window.stride_h - window.pad_h, 0) for i in starts)
    return (max(min(i + rows, window.y_h) * y_row - top * x_row for i, top in zip(starts, seen, strict=True)),)


DEPTHWISE_CONV2D_PACKED = Kernel("depthwise_conv2d_packed", emit, scratch_bytes, leads)
