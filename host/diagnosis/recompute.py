"""Convolutions and dense layers computed again in NumPy, exactly like the golden or with one mistake built in.

A mistake is a change of the folded constants or of a rule of arithmetic; its result is held against a device's bytes.
The arithmetic is that of firmware/kernels (kernels.h, requantize.h), sums in float64, where they are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import BY_TFLITE_NAME
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.ops.pool2d import MaxPool2dParams
from tinyproof.export.ops.requantize import OutputStage
from tinyproof.export.ops.window import Window

Sums = NDArray[np.int64]  # (h, w, c)
Channels = NDArray[np.intp]  # indexes along the last axis
Params = Conv2dParams | DepthwiseConv2dParams | DenseParams
Round = Callable[[Sums, OutputStage], Sums]


@dataclass(frozen=True, eq=False)
class Layer:
    """An op with sums of products, and the max pooling that the compiled engine computes with it, if any.

    `x_left`, `y_left`: which channels of the model its own are, where the engine leaves some out.
    """

    x_zero_point: int
    params: Params
    pool: MaxPool2dParams | None
    x_left: Channels | None = None
    y_left: Channels | None = None


def read_layer(graph: Graph, ops: tuple[int, ...], kept: Mapping[int, Channels] | None = None) -> Layer | None:
    """The layer that these ops of the model make up; None where it is of another kind. `kept`: as in `Reduced`."""
    params = [_params(graph, graph.ops[index]) for index in ops]
    quantization = graph.tensors[graph.ops[ops[0]].inputs[0]].quantization
    if not 1 <= len(params) <= 2 or not isinstance(params[0], Params) or quantization is None:
        return None
    pool = params[1] if len(params) == 2 else None
    if pool is not None and not isinstance(pool, MaxPool2dParams):
        return None
    x_left, y_left = ((kept or {}).get(index) for index in (graph.ops[ops[0]].inputs[0], graph.ops[ops[0]].outputs[0]))
    return Layer(int(quantization.zero_point[0]), params[0], pool, x_left, y_left)


def _params(graph: Graph, op: Op) -> object:
    kind = BY_TFLITE_NAME.get(op.name)
    if kind is None:
        return None
    try:
        calls = kind.lower(graph, op)
    except UserError:  # an interpreter runs more than the compiled engine
        return None
    return calls[0].params if len(calls) == 1 else None


def sums(layer: Layer, x: NDArray[np.int8], outside: int | None = None) -> Sums:
    """The accumulators with their bias, (h, w, c), before any pooling. `outside`: what x is beyond the border."""
    params = layer.params
    if isinstance(params, DenseParams):
        rows = x.reshape(1, params.rows, -1).astype(np.float64)
        return np.asarray(rows @ params.weights.T.astype(np.float64) + params.bias, np.int64)
    window = params.window
    image = _padded(x.reshape(window.x_h, window.x_w, window.x_c), window, params, outside)
    acc = np.zeros((window.y_h, window.y_w, window.y_c)) + params.bias
    for a in range(window.k_h):
        for b in range(window.k_w):
            seen = _seen(image, window, a, b)
            if isinstance(params, Conv2dParams):
                acc += seen @ params.weights[:, a, b, :].T.astype(np.float64)
            else:
                acc += np.repeat(seen, window.y_c // window.x_c, axis=2) * params.weights[a, b]
    return acc.astype(np.int64)


def taps(layer: Layer, x: NDArray[np.int8], channel: int) -> tuple[NDArray[np.int8], Sums]:
    """The weights of an output channel, (n, ...) flat, and what each of them is multiplied with, (n, h, w, 1)."""
    params = layer.params
    if isinstance(params, DenseParams):
        return params.weights[channel], x.reshape(params.rows, -1).T.astype(np.int64)[:, None, :, None]
    window = params.window
    image = _padded(x.reshape(window.x_h, window.x_w, window.x_c), window, params, None)
    seen = np.stack([_seen(image, window, a, b) for a in range(window.k_h) for b in range(window.k_w)])
    if isinstance(params, DepthwiseConv2dParams):
        mine = channel // (window.y_c // window.x_c)
        return params.weights[:, :, channel].reshape(-1), seen[..., mine : mine + 1].astype(np.int64)
    by_tap = np.moveaxis(seen, 3, 1).reshape(-1, window.y_h, window.y_w, 1)
    return params.weights[channel].reshape(-1), by_tap.astype(np.int64)


def _padded(
    x: NDArray[np.int8], window: Window, params: Conv2dParams | DepthwiseConv2dParams, outside: int | None
) -> NDArray[np.float64]:
    """The image with a border wide enough for every window."""
    value = params.x_zero_point if outside is None else outside
    reach = [
        max(0, (out - 1) * stride + (k - 1) * dilation + 1 - pad - size)
        for out, stride, k, dilation, pad, size in (
            (window.y_h, window.stride_h, window.k_h, window.dilation_h, window.pad_h, window.x_h),
            (window.y_w, window.stride_w, window.k_w, window.dilation_w, window.pad_w, window.x_w),
        )
    ]
    border = [(max(window.pad_h, 0), reach[0]), (max(window.pad_w, 0), reach[1]), (0, 0)]
    return np.pad(x.astype(np.float64), border, constant_values=value)


def _seen(image: NDArray[np.float64], window: Window, a: int, b: int) -> NDArray[np.float64]:
    """What every output sees at place (a, b) of its window."""
    top, left = a * window.dilation_h + max(-window.pad_h, 0), b * window.dilation_w + max(-window.pad_w, 0)
    rows = slice(top, top + (window.y_h - 1) * window.stride_h + 1, window.stride_h)
    columns = slice(left, left + (window.y_w - 1) * window.stride_w + 1, window.stride_w)
    return image[rows, columns]


def finish(layer: Layer, acc: Sums, round_: Round, clamp: bool = True) -> NDArray[np.int8]:
    """From accumulators to the bytes of the layer's output, flat."""
    stage = layer.params.output
    y = round_(acc, stage) + stage.y_zero_point
    y = np.clip(y, stage.y_min if clamp else -128, stage.y_max if clamp else 127)
    if layer.pool:
        y = np.clip(pooled(y, layer.pool.window), layer.pool.y_min, layer.pool.y_max)
    return y.astype(np.int8).reshape(-1)


def pooled(values: Sums, window: Window) -> Sums:
    """The largest value of each pooling window, over the part of it that lies inside."""
    rows = [_span(i, window.stride_h, window.pad_h, window.k_h) for i in range(window.y_h)]
    columns = [_span(j, window.stride_w, window.pad_w, window.k_w) for j in range(window.y_w)]
    return np.array([[values[row, column].max(axis=(0, 1)) for column in columns] for row in rows])


def _span(place: int, stride: int, pad: int, k: int) -> slice:
    start = place * stride - pad
    return slice(max(start, 0), start + k)


def round_twice(acc: Sums, stage: OutputStage) -> Sums:
    """As TensorFlow Lite Micro: after the multiplication halves upwards, after the shift halves away from zero."""
    return requantize(acc, stage.multiplier.astype(np.int64), stage.shift.astype(np.int64))


def round_once(acc: Sums, stage: OutputStage) -> Sums:
    """One rounding for multiplication and shift, halves upwards: TFLite built with TFLITE_SINGLE_ROUNDING."""
    total = 31 - stage.shift.astype(np.int64)
    return np.asarray((acc * stage.multiplier + (np.int64(1) << (total - 1))) >> total, np.int64)


def round_down(acc: Sums, stage: OutputStage) -> Sums:
    """No rounding: the shift cuts."""
    return np.asarray((acc * stage.multiplier) >> (31 - stage.shift.astype(np.int64)), np.int64)


def round_float(dtype: type[np.floating]) -> Round:
    """The sum times a floating-point scale, halves to even, as XNNPACK does."""

    def round_(acc: Sums, stage: OutputStage) -> Sums:
        scale = np.ldexp(stage.multiplier.astype(np.float64), stage.shift.astype(np.int64) - 31).astype(dtype)
        return np.asarray(np.rint(acc.astype(dtype) * scale), np.int64)

    return round_


def with_padding(layer: Layer, dh: int, dw: int) -> Layer:
    """The layer whose window lies `dh` rows and `dw` columns further up and left."""
    assert not isinstance(layer.params, DenseParams)
    window = layer.params.window
    moved = replace(window, pad_h=window.pad_h + dh, pad_w=window.pad_w + dw)
    return replace(layer, params=replace(layer.params, window=moved))
