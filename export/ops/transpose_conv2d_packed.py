"""TRANSPOSE_CONV as a convolution: the kernels `transpose_conv2d_packed_s8`, `_bytes_s8` and `_wide_s8`.

Output row r of y sees the rows q - t of x through its taps f + t * stride, where r + pad = q * stride + f. So all rows
with one phase f are a convolution of x with every stride-th tap, and those of all phases are one convolution with more
filters, whose window is ceil(k / stride) pixels high. Columns likewise. Taps that a phase lacks are zeros there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops import conv2d_packed
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.conv2d_packed import (
    Conv2dPackedParams,
    Packing,
    doubled_quads,
    no_pool,
    single_bytes,
    two_filters,
)
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, is_affordable, rounded_up
from tinyproof.export.ops.requantize import INT32_MAX, OutputStage
from tinyproof.export.ops.transpose_conv2d import TransposeConv2dParams
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class TransposeConv2dPackedParams(Params):
    """The members of `transpose_conv2d_packed_params`."""

    c_type: ClassVar[str] = "transpose_conv2d_packed_params"

    conv: Conv2dPackedParams
    stride_h: int
    stride_w: int
    y_h: int
    y_w: int
    y_c: int
    top: int
    left: int
    places_bytes: int


def phases(weights: NDArray[np.int8], stride: tuple[int, int]) -> NDArray[np.int8]:
    """(y_c, k_h, k_w, x_c) -> (stride_h * stride_w * y_c, taps_h, taps_w, x_c), the last tap of a phase first."""
    y_c, k_h, k_w, x_c = weights.shape
    (s_h, s_w), (t_h, t_w) = stride, (-(-k_h // stride[0]), -(-k_w // stride[1]))
    whole = np.zeros((y_c, t_h * s_h, t_w * s_w, x_c), np.int8)
    whole[:, :k_h, :k_w] = weights
    split = whole.reshape(y_c, t_h, s_h, t_w, s_w, x_c)[:, ::-1, :, ::-1]
    return np.ascontiguousarray(split.transpose(2, 4, 0, 1, 3, 5)).reshape(s_h * s_w * y_c, t_h, t_w, x_c)


def as_convolution(params: TransposeConv2dParams) -> Conv2dParams | None:
    """The convolution from x to places (rows, columns, stride_h, stride_w, y_c); None where its sums leave int32."""
    g, output = params.window, params.output
    count = g.stride_h * g.stride_w
    filters = phases(params.weights, (g.stride_h, g.stride_w))
    taken = filters.astype(np.int64).sum(axis=(1, 2, 3))
    whole = params.bias.astype(np.int64) + params.x_zero_point * params.weights.astype(np.int64).sum(axis=(1, 2, 3))
    bias = np.tile(whole, count) - params.x_zero_point * taken
    if np.abs(bias).max() > INT32_MAX:
        return None
    sizes = ((g.y_h, g.pad_h, g.stride_h), (g.y_w, g.pad_w, g.stride_w))
    rows, columns = ((y - 1 + pad) // stride - pad // stride + 1 for y, pad, stride in sizes)
    t_h, t_w = filters.shape[1:3]
    window = Window(
        *(g.x_h, g.x_w, g.x_c, rows, columns, count * g.y_c, t_h, t_w, 1, 1, 1, 1),
        *(t_h - 1 - g.pad_h // g.stride_h, t_w - 1 - g.pad_w // g.stride_w),
    )
    return Conv2dParams(filters, bias.astype(np.int32), params.x_zero_point, window, _repeated(output, count))


def _repeated(output: OutputStage, count: int) -> OutputStage:
    """The output stage of so many times the channels."""
    if output.multiplier.size == 1:
        return output
    return replace(output, multiplier=np.tile(output.multiplier, count), shift=np.tile(output.shift, count))


def pack(params: TransposeConv2dParams, packing: Packing) -> TransposeConv2dPackedParams | None:
    """The packed layer with its weights in a kernel's order; None where its numbers do not fit that kernel."""
    conv, g = as_convolution(params), params.window
    packed = conv2d_packed.pack(conv, no_pool(conv.window), packing) if conv else None
    if packed is None:
        return None
    return TransposeConv2dPackedParams(
        *(packed, g.stride_h, g.stride_w, g.y_h, g.y_w, g.y_c),
        *(-(g.pad_h % g.stride_h), -(g.pad_w % g.stride_w), rounded_up(packed.window.y_w * packed.window.y_c)),
    )


def scratch_bytes(params: TransposeConv2dPackedParams) -> int:
    """A row of places, and what the convolution takes."""
    return params.places_bytes + conv2d_packed.scratch_bytes(params.conv)


def events(params: TransposeConv2dPackedParams) -> Events:
    """How often it does each thing that has a price: those of the convolution, and a copy for each row of a place."""
    window = params.conv.window
    return (*conv2d_packed.events(params.conv), window.y_h, window.y_h * window.y_w * params.stride_h)


PACKED, BYTES, WIDE = (
    Kernel(f"transpose_conv2d_{kind}", scratch_bytes, events=events, folder=DSP) for kind in ("packed", "bytes", "wide")
)


def _with(
    call: Call, pool: Window | None, kernel: Kernel, packing: Packing, most: Optimize | None = None
) -> Call | None:
    """As of convolutions; without a pooling."""
    params = None if pool or not isinstance(call.params, TransposeConv2dParams) else pack(call.params, packing)
    if params is None or (most and not is_affordable(params.conv.weights, most)):
        return None
    return replace(call, kernel=kernel, params=params)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With 16 bits a weight, where these are few enough."""
    return None if optimize is Optimize.SMALL else _with(call, pool, PACKED, doubled_quads, Optimize.BALANCED)


def fit_bytes(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With one byte a weight, those of two filters in a number."""
    return _with(call, pool, BYTES, two_filters)


def fit_wide(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With one byte a weight whatever the sums."""
    return _with(call, pool, WIDE, single_bytes)


def fit_large(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """With 16 bits a weight, where a byte does not hold what a power of two makes of some."""
    return _with(call, pool, PACKED, doubled_quads, Optimize.FAST)


FAST, FAST_BYTES = Fast(PACKED, fit, rank=1), Fast(BYTES, fit_bytes, rank=2)
FAST_WIDE, FAST_LARGE = Fast(WIDE, fit_wide, rank=3), Fast(PACKED, fit_large, rank=4)
