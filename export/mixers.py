"""Convolutions and dense layers as they look to what leaves out dead channels.

Their weights can be dropped, and their bias takes what a constant input adds to every sum. A filter whose byte is
constant has no weights here and a bias that alone gives that byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op
from tinyproof.export.intervals import Interval, dense_bounds, sum_bounds
from tinyproof.export.ops import operands
from tinyproof.export.ops.convolution import ConvolutionParams
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.kind import Call
from tinyproof.export.window_classes import window_classes

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
MIXING = ("CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, eq=False)
class Mixer:
    """One op with weights.

    `weights` as in the file; `bias` (y_c,) as in the file, before a zero point is folded into it. Of a depthwise
    convolution, whose filters see one channel each, nothing can be folded.
    """

    op: Op
    weights: NDArray[np.int8]
    bias: Ints
    changed: bool  # filters were found constant that had weights, or another bias
    taps: Ints  # (y_c, taps, x_c): weights again
    foldable: Flags  # (x_c,): the input is constant, and adds the same everywhere
    added: Ints  # (y_c, x_c): what such a one adds to the sums

    def reads(self, filters: Flags) -> Flags:
        """Which input channels these filters need to be computed."""
        return np.asarray((self.taps[filters] != 0).any(axis=(0, 1)) & ~self.foldable, np.bool_)


def find_mixers(
    graph: Graph, calls_of: Mapping[int, tuple[Call, ...]], found: Mapping[int, Interval]
) -> dict[int, Mixer]:
    """Every convolution, depthwise convolution and dense layer, by the op's index."""
    mixers = {}
    for op in graph.ops:
        params = calls_of[op.index][0].params if len(calls_of[op.index]) == 1 else None
        if op.name in (*MIXING, "DEPTHWISE_CONV_2D") and isinstance(params, (ConvolutionParams, DenseParams)):
            mixers[op.index] = _mixer(graph, op, params, found)
    return mixers


def _mixer(graph: Graph, op: Op, params: ConvolutionParams | DenseParams, found: Mapping[int, Interval]) -> Mixer:
    x, y = found[op.inputs[0]], found[op.outputs[0]]
    bounds = dense_bounds if isinstance(params, DenseParams) else sum_bounds
    reached = bounds(params, x)[0][0]  # type: ignore[arg-type]  # an accumulator that can be, of every filter
    axis = 3 if op.name == "DEPTHWISE_CONV_2D" else 0
    before = np.asarray(graph.tensors[op.inputs[1]].data, np.int8)
    alive = np.expand_dims(~y.constant, tuple(k for k in range(before.ndim) if k != axis))
    weights = np.where(alive, before, 0).astype(np.int8)
    bias = operands.bias(graph, op, y.constant.size).astype(np.int64)
    constant_bias = np.where(y.constant, reached, bias)
    changed = not (np.array_equal(before, weights) and np.array_equal(bias, constant_bias))
    if axis == 3 or weights.shape[-1] % x.low.size:
        nothing = np.zeros((y.constant.size, 0, x.low.size), np.int64)
        return Mixer(op, weights, constant_bias, changed, nothing, np.zeros(x.low.size, np.bool_), nothing.sum(axis=1))
    taps = weights.reshape(len(weights), -1, x.low.size).astype(np.int64)
    zero_point = operands.values(graph, op, op.inputs[0]).zero_point
    foldable, added = _folded(params, taps, x, zero_point)
    return Mixer(op, weights, constant_bias, changed, taps, foldable, added)


def _folded(params: ConvolutionParams | DenseParams, taps: Ints, x: Interval, zero_point: int) -> tuple[Flags, Ints]:
    """Which inputs are constant and add the same everywhere, and what: where a window leaves the image, taps see the
    zero point instead, which adds nothing.
    """
    foldable, added = x.constant.copy(), np.zeros((len(taps), x.low.size), np.int64)
    kinds = np.ones((1, taps.shape[1]), np.bool_) if isinstance(params, DenseParams) else window_classes(params.window)
    for channel in np.flatnonzero(x.constant):
        sums = (x.low[channel] - zero_point) * (taps[:, :, channel] @ kinds.T.astype(np.int64))
        foldable[channel] = bool((sums == sums[:, :1]).all())
        added[:, channel] = sums[:, 0] * foldable[channel]
    return foldable, added
