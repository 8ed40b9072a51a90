"""Which channels of a model's tensors belong together: one that is left out somewhere has to be left out everywhere.

A channel is an index along the last axis of a tensor. An op that computes each channel of its output from the same
channel of its inputs ties them; CONV_2D and FULLY_CONNECTED tie nothing, as they have a weight for each pair; all that
an op does that is not known here has to stay.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Graph, Op
from tinyproof.export.intervals import LOOKUP_OPS, keeps_channels
from tinyproof.export.ops.concatenation import ConcatenationOptions

Places = NDArray[np.intp]  # of channels, counted through all tensors
Flags = NDArray[np.bool_]


class ChannelGroups:
    """The channels of all int8 tensors, each with the group it belongs to: the lowest place in it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._first: dict[int, int] = {}
        total = 0
        for tensor in graph.tensors:
            if tensor.dtype == "int8" and tensor.shape and min(tensor.shape) > 0:
                self._first[tensor.index] = total
                total += tensor.shape[-1]
        self.tensor_of = np.repeat(list(self._first), [graph.tensors[index].shape[-1] for index in self._first])
        self._ties: list[tuple[Places, Places]] = []
        self._fixed = np.ones(total, np.bool_)
        computed = {y for op in graph.ops for y in op.outputs} - {*graph.inputs, *graph.outputs}
        for tensor in graph.tensors:
            if tensor.index in computed and not tensor.is_variable and tensor.data is None:
                self.release(tensor.index)
        for op in graph.ops:
            TIES.get(op.name, _keep)(self, op)
        self._keep_what_is_read_elsewhere()
        self.group = self._groups(total)
        self.fixed = np.zeros(total, np.bool_)
        self.fixed[self.group[self._fixed]] = True  # of a group, at its place

    def places(self, tensor: int) -> Places:
        """Those of a tensor's channels; none of one that is not int8 or has no axes."""
        first = self._first.get(tensor)
        return np.zeros(0, np.intp) if first is None else np.arange(first, first + self.graph.tensors[tensor].shape[-1])

    def of(self, tensor: int) -> Places:
        """The groups of a tensor's channels."""
        return self.group[self.places(tensor)]

    def tie(self, a: Places, b: Places) -> None:
        """The channels at the same index of both belong together."""
        self._ties.append((a, b))

    def release(self, tensor: int) -> None:
        """Let channels of a tensor go, if nothing else keeps them."""
        self._fixed[self.places(tensor)] = False

    def keep(self, tensor: int) -> None:
        """A tensor has to stay as it is."""
        self._fixed[self.places(tensor)] = True

    def _keep_what_is_read_elsewhere(self) -> None:
        """Constants that are weights of one op and an operand of another; ops that are unknown come last."""
        for op in self.graph.ops:
            known = TIES.get(op.name, _keep)
            for index in op.inputs if known is _keep else op.inputs[1:] if known in (_mixed, _depthwise) else ():
                if index != ABSENT:
                    self.keep(index)

    def _groups(self, total: int) -> Places:
        group = np.arange(total)
        if not self._ties:
            return group
        a, b = (np.concatenate(side) for side in zip(*self._ties, strict=True))
        while True:
            before = group.copy()
            lowest = np.minimum(group[a], group[b])
            for side in (a, b):
                np.minimum.at(group, group[side], lowest)
                np.minimum.at(group, side, lowest)
            group = group[group]
            if np.array_equal(group, before):
                return group


Rule = Callable[[ChannelGroups, Op], None]


def _keep(groups: ChannelGroups, op: Op) -> None:
    for index in (*op.inputs, *op.outputs):
        if index != ABSENT:
            groups.keep(index)


def _mixed(groups: ChannelGroups, op: Op) -> None:
    """Of convolutions and dense layers: grouped ones have to stay, and rows that begin within a tensor's last axis."""
    x, weights = (groups.graph.tensors[index].shape for index in op.inputs[:2])
    if op.name == "CONV_2D" and weights[-1] != x[-1] or weights[-1] % x[-1]:
        groups.keep(op.inputs[0])
        groups.keep(op.outputs[0])


def _one_to_one(groups: ChannelGroups, op: Op) -> None:
    x, y = groups.places(op.inputs[0]), groups.places(op.outputs[0])
    if x.size == y.size:
        groups.tie(x, y)
    else:
        _keep(groups, op)


def _depthwise(groups: ChannelGroups, op: Op) -> None:
    x, y = groups.places(op.inputs[0]), groups.places(op.outputs[0])
    groups.tie(np.repeat(x, y.size // x.size), y)


def _elementwise(groups: ChannelGroups, op: Op) -> None:
    """Operands may be constants, and one number for all channels."""
    y = groups.places(op.outputs[0])
    for index in op.inputs:
        x = groups.places(index)
        if x.size == y.size:
            groups.tie(x, y)
            if groups.graph.tensors[index].data is not None:
                groups.release(index)
        else:
            groups.keep(index)


def _reshaped(groups: ChannelGroups, op: Op) -> None:
    """Where the last axis of one repeats that of the other."""
    x, y = groups.places(op.inputs[0]), groups.places(op.outputs[0])
    few, many = sorted((x, y), key=len)
    if not few.size or many.size % few.size:
        _keep(groups, op)
    else:
        groups.tie(np.tile(few, many.size // few.size), many)


def _concatenated(groups: ChannelGroups, op: Op) -> None:
    assert isinstance(op.options, ConcatenationOptions)
    y, xs = groups.places(op.outputs[0]), [groups.places(index) for index in op.inputs]
    rank = len(groups.graph.tensors[op.outputs[0]].shape)
    if op.options.axis % rank == rank - 1:
        groups.tie(np.concatenate(xs), y)
    else:
        for x in xs:
            groups.tie(x, y)
    for index in op.inputs:
        if groups.graph.tensors[index].data is not None:
            groups.release(index)


def _reduced(groups: ChannelGroups, op: Op) -> None:
    if keeps_channels(groups.graph, op):
        _one_to_one(groups, op)
    else:
        _keep(groups, op)


ELEMENTWISE_OPS = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE")
TIES: dict[str, Rule] = {
    **dict.fromkeys(("CONV_2D", "FULLY_CONNECTED"), _mixed),
    "DEPTHWISE_CONV_2D": _depthwise,
    **dict.fromkeys(LOOKUP_OPS, _one_to_one),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), _one_to_one),
    **dict.fromkeys(("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "PAD", "PADV2"), _one_to_one),
    **dict.fromkeys(ELEMENTWISE_OPS, _elementwise),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshaped),
    "CONCATENATION": _concatenated,
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), _reduced),
}
