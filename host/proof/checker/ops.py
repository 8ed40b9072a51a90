"""What TensorFlow Lite Micro computes in one op: its windows, its clamps, its sums and their way to a byte."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import INT32_MAX, Ints, ints, quantize_multiplier, round_half_away
from .findings import NotCovered
from .tflite_model import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, Model, Op, Tensor

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Window:
    """Which rows and columns of x each row and column of y sees; -1 for those outside."""

    rows: Ints  # (y_h, k_h)
    columns: Ints  # (y_w, k_w)


@dataclass(frozen=True, eq=False)
class Convolution:
    """CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV or FULLY_CONNECTED (an image of one column) as sums and their way to a
    byte.
    """

    x: int
    x_shape: tuple[int, int, int]
    y_shape: tuple[int, int, int]
    weights: Ints  # (y_c, k_h, k_w, x_c), of a depthwise one (y_c, k_h, k_w, 1)
    sees: Ints | None  # of a depthwise one: the channel that each filter sees
    bias: Ints
    x_zero: int
    multiplier: Ints
    shift: Ints
    y_zero: int
    clamp: tuple[int, int]
    window: Window
    lowest: Ints  # (y_c,): the smallest sum, bias included, that any input makes anywhere in the image
    highest: Ints


def same_scale(model: Model, op: Op, x: Tensor, y: Tensor) -> None:
    """Refuse to speak of an op whose bytes would be scaled again."""
    if x.dtype != "INT8" or y.dtype != "INT8":
        raise NotCovered(f"{x.dtype.lower()} that becomes {y.dtype.lower()}, and the lemma is for int8")
    if x.scale.tolist() != y.scale.tolist() or x.zero_point.tolist() != y.zero_point.tolist():
        raise NotCovered("input and output of different scales")


def one_scale(tensor: Tensor) -> tuple[float, int]:
    """The scale and the zero point of an int8 tensor."""
    if tensor.dtype != "INT8" or tensor.scale.size != 1:
        scales = {0: "without a scale", 1: "of one scale"}.get(tensor.scale.size, f"of {tensor.scale.size} scales")
        raise NotCovered(f"a {tensor.dtype.lower()} tensor {scales}, and the lemma is for int8 of one scale")
    return float(tensor.scale[0]), int(tensor.zero_point[0])


def clamp_of(y: Tensor, activation: int) -> tuple[int, int]:
    """`CalculateActivationRangeQuantized`, which divides in float32."""
    scale, zero = y.scale[0], int(y.zero_point[0])

    def quantized(real: float) -> int:
        return zero + round_half_away(float(np.float32(real) / scale))

    if activation == NONE:
        return -128, 127
    if activation == RELU:
        return max(-128, quantized(0.0)), 127
    if activation in (RELU6, RELU_N1_TO_1):
        ends = (0.0, 6.0) if activation == RELU6 else (-1.0, 1.0)
        return max(-128, quantized(ends[0])), min(127, quantized(ends[1]))
    raise NotCovered(f"the fused activation {activation}")


def axis(x: int, y: int, k: int, stride: int, dilation: int, padding: int) -> Ints:
    """(y, k): which of x each of y sees, as `ComputePaddingHeightWidth` has it; -1 outside."""
    span = (k - 1) * dilation + 1
    expected = {SAME: -(-x // stride), VALID: (x - span) // stride + 1}.get(padding)
    if expected != y or min(k, stride, dilation) < 1:
        raise NotCovered("an output of another size than its window makes")
    before = max((y - 1) * stride + span - x, 0) // 2 if padding == SAME else 0
    return seen(y, k, stride, dilation, before, x)


def seen(y: int, k: int, stride: int, dilation: int, before: int, x: int) -> Ints:
    """The same with a padding in numbers."""
    at = ints(np.arange(y))[:, None] * stride - before + np.arange(k) * dilation
    return np.where((at >= 0) & (at < x), at, -1)


def nearest(y: int, x: int, options: dict[str, Any]) -> Ints:
    """(y,): which of x each of y is (`GetNearestNeighbor`), in float32."""
    corners, f32 = bool(options["corners"]), np.float32
    scale = f32(x - 1) / f32(y - 1) if corners and y > 1 else f32(x) / f32(y)
    places = (np.arange(y, dtype=f32) + f32(0.5 if options["centers"] else 0)) * scale
    found = [round_half_away(float(at)) if corners else math.floor(at) for at in places]
    return ints(np.clip(found, 0, x - 1))


def bilinear(y: int, x: int, options: dict[str, Any]) -> Ints:
    """(y, 3): between which two of x each of y lies, and how far it is from the first in 1024ths
    (`ComputeInterpolationValues`); 0 where both are one.
    """
    corners, centers = bool(options["corners"]), bool(options["centers"])
    whole, parts = (x - 1, y - 1) if corners and y > 1 else (x, y)
    scale = (1024 * whole + parts // 2) // parts
    at = ints(np.arange(y)) * scale + (scale // 2 - 512 if centers else 0)
    first, second = np.maximum(at, 0) >> 10, np.minimum((np.maximum(at, 0) + 1023) >> 10, x - 1)
    if int(first.max()) >= x or (corners and centers):
        raise NotCovered("a size for which TFLM reads beyond the image")
    return np.stack([first, second, np.where(second > first, at - 1024 * first, 0)], axis=1)


def window(op: Op, x: tuple[int, ...], y: tuple[int, ...], k: tuple[int, int]) -> Window:
    """The window of an op on images (1, h, w, c)."""
    if len(x) != 4 or len(y) != 4 or x[0] != 1 or y[0] != 1 or not op.options:
        raise NotCovered("images of another shape")
    o = op.options
    dilation = o.get("dilation_h", 1), o.get("dilation_w", 1)
    return Window(
        axis(x[1], y[1], k[0], o["stride_h"], dilation[0], o["padding"]),
        axis(x[2], y[2], k[1], o["stride_w"], dilation[1], o["padding"]),
    )


def pool_clamp(model: Model, op: Op) -> tuple[int, int]:
    """The clamp of a pooling, which has one scale."""
    x, y = model.tensors[op.inputs[0]], model.tensors[op.outputs[0]]
    same_scale(model, op, x, y)
    if not op.options:
        raise NotCovered("no options")
    return clamp_of(y, op.options["activation"])


def channel_bounds(ranges: tuple[Ints, Ints], shape: Shape) -> tuple[Ints, Ints]:
    """The smallest and the largest byte of each channel of an image, whatever the input."""
    low, high = (each.reshape(shape) for each in ranges)
    return low.min(axis=(0, 1)), high.max(axis=(0, 1))


def image_of(op: Op) -> int:
    """The tensor that a convolution sees."""
    return op.inputs[2 if op.name == "TRANSPOSE_CONV" else 0]


def convolution(model: Model, op: Op, ranges: tuple[Ints, Ints]) -> Convolution:
    """The op as sums and stages, with the proof that TFLM's sums stay within 32 bits in its own order; ranges: the
    smallest and the largest byte of every element of its input.
    """
    tensors = model.tensors
    x, w, y = tensors[image_of(op)], tensors[op.inputs[1]], tensors[op.outputs[0]]
    (x_scale, x_zero), (y_scale, y_zero) = one_scale(x), one_scale(y)
    if w.data is None or w.dtype != "INT8" or np.any(w.zero_point != 0):
        raise NotCovered("weights that are no int8 constants around zero")
    if not op.options or op.options.get("format", 0):
        raise NotCovered("other options")
    weights, sees, window_, x_shape, y_shape = _shaped(op, ints(w.data), x.shape, y.shape)
    y_c = len(weights)
    biases = [k for k in op.inputs[3 if op.name == "TRANSPOSE_CONV" else 2 :] if k != -1]
    data = tensors[biases[0]].data if biases else np.zeros(y_c, np.int32)
    if data is None or data.shape != (y_c,) or data.dtype != np.int32:
        raise NotCovered("a bias of another shape or type")
    if w.scale.size not in (1, y_c) or (w.scale.size > 1 and w.axis != (3 if op.name == "DEPTHWISE_CONV_2D" else 0)):
        raise NotCovered("scales along another axis")
    reals = np.float64(x_scale) * w.scale.astype(np.float64) / np.float64(y_scale)
    pairs = np.broadcast_to(ints([quantize_multiplier(float(real)) for real in reals]), (y_c, 2))
    low, high = channel_bounds(ranges, x_shape)
    bias = ints(data)
    lowest, highest, most = _bounds(weights, sees, window_, low - x_zero, high - x_zero)
    shift = pairs[:, 1]
    shifted = np.maximum(np.abs(lowest + bias), np.abs(highest + bias)) << np.maximum(shift, 0)
    worst = np.maximum(most + np.abs(bias), shifted + 256)
    if np.any(worst > INT32_MAX):
        raise NotCovered(f"TFLM's own sum of channel {int(np.argmax(worst))} may overflow, which is undefined")
    clamp = clamp_of(y, op.options["activation"])
    return Convolution(
        x.index, x_shape, y_shape, weights, sees, bias, x_zero, pairs[:, 0], shift, y_zero, clamp, window_,
        lowest + bias, highest + bias,
    )  # fmt: skip


def _shaped(
    op: Op, weights: Ints, x: tuple[int, ...], y: tuple[int, ...]
) -> tuple[Ints, Ints | None, Window, Shape, Shape]:
    if op.name == "FULLY_CONNECTED":
        y_c, x_c = weights.shape
        rows = int(np.prod(y)) // y_c
        if rows * x_c != int(np.prod(x)) or rows * y_c != int(np.prod(y)):
            raise NotCovered("operands of another shape")
        alone = Window(ints(np.arange(rows))[:, None], ints([[0]]))
        return weights.reshape(y_c, 1, 1, x_c), None, alone, (rows, 1, x_c), (rows, 1, y_c)
    if op.name == "TRANSPOSE_CONV":
        return _turned_round(op, weights, x, y)
    window_ = window(op, x, y, (weights.shape[1], weights.shape[2]))
    x_shape, y_shape = (x[1], x[2], x[3]), (y[1], y[2], y[3])
    if op.name == "CONV_2D":
        if weights.shape[0] != y[3] or weights.shape[3] != x[3]:
            weights = _with_zeros(weights, x[3], y[3])
        return weights, None, window_, x_shape, y_shape
    if weights.shape[3] != y[3] or y[3] % x[3]:
        raise NotCovered("another number of filters")
    sees = ints(np.arange(y[3])) // (y[3] // x[3]) if x[3] > 1 else None  # of one channel it is a CONV_2D
    return np.moveaxis(weights, 3, 1).reshape(y[3], *weights.shape[1:3], 1), sees, window_, x_shape, y_shape


def _turned_round(
    op: Op, weights: Ints, x: tuple[int, ...], y: tuple[int, ...]
) -> tuple[Ints, Ints | None, Window, Shape, Shape]:
    """TRANSPOSE_CONV: an output sees what the convolution from y to x with this window would make of it."""
    back, turned = window(op, y, x, (weights.shape[1], weights.shape[2])), []
    if weights.shape[0] != y[3] or weights.shape[3] != x[3]:
        raise NotCovered("another number of filters")
    for view, size in ((back.rows, y[1]), (back.columns, y[2])):
        sees = np.full((size, view.shape[1]), -1)
        of_x, tap = np.nonzero(view >= 0)
        sees[view[of_x, tap], tap] = of_x
        turned.append(sees)
    return weights, None, Window(turned[0], turned[1]), (x[1], x[2], x[3]), (y[1], y[2], y[3])


def _with_zeros(weights: Ints, x_c: int, y_c: int) -> Ints:
    """Lemma "groups": a grouped convolution is one whose filters have zeros for the channels of other groups."""
    own = weights.shape[3]
    groups = x_c // own
    if weights.shape[0] != y_c or own * groups != x_c or y_c % groups:
        raise NotCovered("another number of filters")
    starts = np.arange(y_c) // (y_c // groups) * own
    every = np.zeros((*weights.shape[:3], x_c), np.int64)
    np.put_along_axis(every, (starts[:, None] + np.arange(own))[:, None, None], weights, axis=3)
    return every


def inside(window_: Window) -> tuple[Ints, Ints]:
    """Lemma "places": the kinds of rows and columns of y, (kinds, k) each, 1 for taps inside the image."""
    rows, columns = (np.unique(each >= 0, axis=0).astype(np.int64) for each in (window_.rows, window_.columns))
    return rows, columns


def sum_bounds(weights: Ints, window_: Window, ranges: tuple[Ints, Ints], of: Convolution) -> tuple[Ints, Ints]:
    """The smallest and the largest sum of each channel of an op that has only these taps, each for all channels."""
    low, high = channel_bounds(ranges, of.x_shape)
    lowest, highest, _ = _bounds(weights, None, window_, low - of.x_zero, high - of.x_zero)
    return lowest + of.bias, highest + of.bias


def _bounds(weights: Ints, sees: Ints | None, window_: Window, low: Ints, high: Ints) -> tuple[Ints, Ints, Ints]:
    """The smallest and the largest sum of each channel without its bias, and a bound of all partial ones."""
    rows, columns = inside(window_)
    if sees is not None:
        low, high = (each[sees][:, None, None, None] for each in (low, high))
    products = weights * low, weights * high
    ends = []
    for least in (True, False):
        taps = (np.minimum if least else np.maximum)(*products).sum(axis=3)
        sums = np.einsum("okl,rk,cl->orc", taps, rows, columns).reshape(len(weights), -1)
        ends.append(sums.min(axis=1) if least else sums.max(axis=1))
    most = np.maximum(*map(np.abs, products)).sum(axis=(1, 2, 3))
    return ends[0], ends[1], most
