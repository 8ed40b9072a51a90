"""CONV_2D with at most ten taps and the MAX_POOL_2D that follows it: the kernel `conv2d_narrow_s8`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import ConstantTable, Field, Struct
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.kind import Kernel, Params
from tinyproof.export.ops.packed import pack_output
from tinyproof.export.ops.window import Window, emit_window, lead_bytes

TAPS = 10


@dataclass(frozen=True, eq=False)
class Conv2dNarrowParams(Params):
    """The members of `conv2d_narrow_params`."""

    channels: NDArray[np.int32]  # (y_c, 9)
    x_zero_point: int
    window: Window
    pool: Window
    y_min: int
    y_max: int


def pack(conv: Conv2dParams, pool: Window) -> Conv2dNarrowParams | None:
    """The packed layer; None where geometry or numbers do not fit the kernel."""
    output = pack_output(conv.bias, conv.weights, conv.output)
    y_c, taps = conv.weights.shape[0], prod(conv.weights.shape[1:])
    if output is None or taps > TAPS or pool.k_h > 2 or pool.k_w > 2:
        return None
    doubled = np.zeros((y_c, TAPS), "<i2")
    doubled[:, :taps] = 2 * conv.weights.reshape(y_c, taps).astype(np.int16)
    channels = np.concatenate([doubled.view("<i4").astype(np.int32), output.channels], axis=1)
    return Conv2dNarrowParams(channels, conv.x_zero_point, conv.window, pool, output.y_min, output.y_max)


def emit(params: Conv2dNarrowParams) -> Struct:
    """The C initializer."""
    return Struct(
        "conv2d_narrow_params",
        (
            Field("channels", ConstantTable(params.channels)),
            Field("x_zero_point", params.x_zero_point),
            Field("window", emit_window(params.window)),
            Field("pool", emit_window(params.pool)),
            Field("y_min", params.y_min),
            Field("y_max", params.y_max),
        ),
    )


def leads(params: Conv2dNarrowParams) -> tuple[int]:
    """How far before x y must begin to overwrite it."""
    return (lead_bytes(params.window, params.pool),)


CONV2D_NARROW = Kernel("conv2d_narrow", emit, leads=leads)
