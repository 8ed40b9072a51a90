"""Which bytes can come out of every channel of a model, whatever its inputs: from the inputs forward, op by op.

A channel is an index along the last axis of a tensor. Bounds are exact or too wide, never too narrow: an op that is not
known here may give any byte. Where both bounds of a channel are one byte, the channel is constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op, Tensor
from tinyproof.export.ops.add import AddOperand, AddParams
from tinyproof.export.ops.concatenation import ConcatenationOptions
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.convolution import ConvolutionParams
from tinyproof.export.ops.copy import CopyParams, FillParams
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.ops.floats import FLOATS, OPERANDS, FloatOptions
from tinyproof.export.ops.kind import Call
from tinyproof.export.ops.lookup import LOOKUPS, LookupParams
from tinyproof.export.ops.mean import MeanParams
from tinyproof.export.ops.mul import MulParams
from tinyproof.export.ops.pool2d import Pool2dParams
from tinyproof.export.ops.requantize import OutputStage
from tinyproof.export.ops.unary import UNARIES
from tinyproof.export.window_classes import window_classes

Ints = NDArray[np.int64]
LOWEST, HIGHEST = -128, 127


@dataclass(frozen=True, eq=False)
class Interval:
    """The smallest and the largest byte of every channel."""

    low: Ints  # (channels,)
    high: Ints

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which channels can be one byte alone."""
        return np.asarray(self.low == self.high, np.bool_)

    def clipped(self, low: int, high: int) -> Interval:
        """What a clamp makes of it."""
        return Interval(np.clip(self.low, low, high), np.clip(self.high, low, high))

    def reshaped(self, shape: tuple[int, ...], to: tuple[int, ...]) -> Interval:
        """The channels of the same bytes under another shape."""
        bounds = (np.broadcast_to(bound, shape).reshape(-1, to[-1]) for bound in (self.low, self.high))
        low, high = bounds
        return Interval(low.min(axis=0), high.max(axis=0))


def anything(channels: int) -> Interval:
    """Channels of which nothing is known."""
    return Interval(np.full(channels, LOWEST), np.full(channels, HIGHEST))


def around(*intervals: Interval) -> Interval:
    """The interval that holds all of them, channel by channel."""
    low, high = (np.stack([getattr(one, side) for one in intervals]) for side in ("low", "high"))
    return Interval(low.min(axis=0), high.max(axis=0))


def intervals(graph: Graph, calls_of: Mapping[int, tuple[Call, ...]]) -> dict[int, Interval]:
    """The interval of every int8 tensor that has axes, by its index; `calls_of`: the plain calls of each op's index."""
    known = [x for x in graph.tensors if x.dtype == "int8" and x.shape and min(x.shape) > 0]
    found = {x.index: anything(x.shape[-1]) if x.data is None else _of_constant(x) for x in known}
    for op in graph.ops:
        rule = None if isinstance(op.options, FloatOptions) else RULES.get(op.name)
        if rule and len(op.outputs) == 1 and op.outputs[0] in found and op.inputs[0] in found:
            found[op.outputs[0]] = rule(graph, op, calls_of[op.index], found)
    return found


def _of_constant(x: Tensor) -> Interval:
    rows = np.asarray(x.data, np.int64).reshape(-1, x.shape[-1])
    return Interval(rows.min(axis=0), rows.max(axis=0))


Found = dict[int, Interval]
Rule = Callable[[Graph, Op, tuple[Call, ...], Found], Interval]


def through(output: OutputStage, sums: Ints) -> Ints:
    """The bytes of accumulators (..., y_c)."""
    scaled = requantize(sums, output.multiplier.astype(np.int64), output.shift.astype(np.int64))
    return np.asarray(np.clip(output.y_zero_point + scaled, output.y_min, output.y_max), np.int64)


def tap_bounds(x: Interval, weights: Ints) -> tuple[Ints, Ints]:
    """The smallest and the largest product of every weight (..., channels) with its x."""
    products = weights * x.low, weights * x.high
    return np.minimum(*products), np.maximum(*products)


def sum_bounds(params: ConvolutionParams, x: Interval) -> tuple[Ints, Ints]:
    """The smallest and the largest accumulator of every output channel, (kinds of places in the image, y_c) each."""
    weights = params.weights.astype(np.int64)
    if isinstance(params, Conv2dParams):
        bounds = [bound.sum(axis=3).reshape(len(weights), -1) for bound in tap_bounds(x, weights)]
        outside = weights.sum(axis=3).reshape(len(weights), -1) * params.x_zero_point
    else:
        by_channel = np.moveaxis(weights, 2, 0).reshape(weights.shape[2], -1)  # (y_c, taps)
        seen = np.arange(len(by_channel)) // (params.window.y_c // params.window.x_c)
        mine = Interval(x.low[seen, None], x.high[seen, None])
        bounds, outside = list(tap_bounds(mine, by_channel)), by_channel * params.x_zero_point
    inside = window_classes(params.window)  # (kinds, taps)
    low, high = (inside @ bound.T + ~inside @ outside.T + params.bias for bound in bounds)
    return low, high


def _convolution(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    params = calls[0].params
    assert isinstance(params, ConvolutionParams)
    low, high = sum_bounds(params, found[op.inputs[0]])
    return Interval(through(params.output, low).min(axis=0), through(params.output, high).max(axis=0))


def dense_inputs(x: Interval, x_c: int) -> Interval:
    """The interval of every input of a dense layer that takes a tensor apart into rows."""
    channels = x.low.size
    if x_c % channels == 0:
        return Interval(np.tile(x.low, x_c // channels), np.tile(x.high, x_c // channels))
    return Interval(np.full(x_c, x.low.min()), np.full(x_c, x.high.max()))


def dense_bounds(params: DenseParams, x: Interval) -> tuple[Ints, Ints]:
    """The smallest and the largest accumulator of every output, (1, y_c) each."""
    low, high = tap_bounds(dense_inputs(x, params.x_c), params.weights.astype(np.int64))
    return (low.sum(axis=1) + params.bias)[None], (high.sum(axis=1) + params.bias)[None]


def _dense(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    params = calls[0].params
    assert isinstance(params, DenseParams)
    low, high = dense_bounds(params, found[op.inputs[0]])
    return Interval(through(params.output, low)[0], through(params.output, high)[0])


def _lookup(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    x = found[op.inputs[0]]
    if not calls:
        return x
    params = calls[0].params
    assert isinstance(params, LookupParams)
    runs = [params.table[low - LOWEST : high - LOWEST + 1] for low, high in zip(x.low, x.high, strict=True)]
    return Interval(np.array([run.min() for run in runs], np.int64), np.array([run.max() for run in runs], np.int64))


def _pool(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    params = calls[0].params
    assert isinstance(params, Pool2dParams)
    return found[op.inputs[0]].clipped(params.y_min, params.y_max)


def _same(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    x, y = (graph.tensors[index].shape for index in (op.inputs[0], op.outputs[0]))
    return found[op.inputs[0]] if x[-1] == y[-1] else anything(y[-1])


def _reshaped(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    x, y = (graph.tensors[index].shape for index in (op.inputs[0], op.outputs[0]))
    return found[op.inputs[0]].reshaped(x, y)


def _pad(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    x, y = (graph.tensors[index].shape for index in (op.inputs[0], op.outputs[0]))
    if not calls or x[-1] != y[-1]:
        return found[op.inputs[0]] if not calls else anything(y[-1])
    fill = calls[0].params
    assert isinstance(fill, FillParams) and isinstance(calls[1].params, CopyParams)
    padding = np.full(y[-1], fill.value)
    return around(found[op.inputs[0]], Interval(padding, padding))


def _concatenation(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    assert isinstance(op.options, ConcatenationOptions)
    rank = len(graph.tensors[op.outputs[0]].shape)
    xs = [found[index] for index in op.inputs]
    if op.options.axis % rank < rank - 1:
        return around(*xs)
    return Interval(np.concatenate([x.low for x in xs]), np.concatenate([x.high for x in xs]))


def _add(a: Ints, b: Ints, p: AddParams) -> Ints:
    def rescaled(x: Ints, operand: AddOperand) -> Ints:
        return np.asarray(requantize((x - operand.zero_point) << 20, operand.multiplier, operand.shift), np.int64)

    total = rescaled(a, p.a) + p.b_sign * rescaled(b, p.b)
    return np.clip(p.y_zero_point + requantize(total, p.multiplier, p.shift), p.y_min, p.y_max)


def _mul(a: Ints, b: Ints, p: MulParams) -> Ints:
    product = (a - p.a_zero_point) * (b - p.b_zero_point)
    return np.clip(p.y_zero_point + requantize(product, p.multiplier, p.shift), p.y_min, p.y_max)


def _of_two(function: Callable[..., Ints]) -> Rule:
    """The rule of a function that is largest and smallest at corners of its operands' intervals."""

    def rule(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
        channels = graph.tensors[op.outputs[0]].shape[-1]
        if any(index not in found for index in op.inputs):
            return anything(channels)
        a, b = (found[index] for index in op.inputs)
        corners = [function(one, other, calls[0].params) for one in (a.low, a.high) for other in (b.low, b.high)]
        stacked = np.broadcast_to(np.stack(corners), (4, channels))
        return Interval(stacked.min(axis=0), stacked.max(axis=0))

    return rule


def _mean(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    """Along axes other than the last: of what remains of that one nothing is known."""
    p = calls[0].params
    assert isinstance(p, MeanParams)
    if not keeps_channels(graph, op):
        return anything(graph.tensors[op.outputs[0]].shape[-1])
    count, x = int(p.window.table[:, 0].prod()), found[op.inputs[0]]
    low, high = (
        np.clip(p.y_zero_point + requantize(count * bound - p.x_zero_points, p.multiplier, p.shift), LOWEST, HIGHEST)
        for bound in (x.low, x.high)
    )
    return Interval(low, high)


def _extremum(graph: Graph, op: Op, calls: tuple[Call, ...], found: Found) -> Interval:
    return found[op.inputs[0]] if keeps_channels(graph, op) else anything(graph.tensors[op.outputs[0]].shape[-1])


def keeps_channels(graph: Graph, op: Op) -> bool:
    """Whether an op with inputs (x, axes) leaves the last axis as it is."""
    x, axes, y = (graph.tensors[index] for index in (*op.inputs, op.outputs[0]))
    rank = len(x.shape)
    gone = {int(axis) % rank for axis in np.asarray(axes.data).reshape(-1)}
    return rank - 1 not in gone and x.shape[-1] == y.shape[-1]


FLOATS_OF_ONE = [kind for kind in FLOATS if OPERANDS[kind.tflite_name] == 1]
LOOKUP_OPS = tuple(kind.tflite_name for kind in (*LOOKUPS, *UNARIES, *FLOATS_OF_ONE))
RULES: dict[str, Rule] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _convolution),
    "FULLY_CONNECTED": _dense,
    **dict.fromkeys(LOOKUP_OPS, _lookup),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), _pool),
    "RESIZE_NEAREST_NEIGHBOR": _same,
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshaped),
    **dict.fromkeys(("PAD", "PADV2"), _pad),
    "CONCATENATION": _concatenation,
    **dict.fromkeys(("ADD", "SUB"), _of_two(_add)),
    "MUL": _of_two(_mul),
    "MAXIMUM": _of_two(lambda a, b, p: np.maximum(a, b)),
    "MINIMUM": _of_two(lambda a, b, p: np.minimum(a, b)),
    **dict.fromkeys(("MEAN", "SUM"), _mean),
    **dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), _extremum),
}
