"""SPLIT, SPLIT_V and UNPACK: every output is copied from its place in the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tflite

from tinyproof.export.graph import ABSENT, Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import strides


@dataclass(frozen=True)
class UnpackOptions(OpOptions):
    """As in the file."""

    axis: int


def parse_unpack(table: Any) -> UnpackOptions:
    """The options out of the flatbuffer."""
    options = tflite.UnpackOptions()
    options.Init(table.Bytes, table.Pos)
    return UnpackOptions(options.Axis())


def lower_split(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (axis, x)."""
    _check_arity(graph, op, 2)
    return _pieces(graph, op, op.inputs[1], _axis(graph, op, op.inputs[0]), keeps_axis=True)


def lower_split_v(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x, sizes, axis). The sizes are those of the outputs."""
    _check_arity(graph, op, 3)
    return _pieces(graph, op, op.inputs[0], _axis(graph, op, op.inputs[2]), keeps_axis=True)


def lower_unpack(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x); an output has one axis less."""
    assert isinstance(op.options, UnpackOptions)
    _check_arity(graph, op, 1)
    return _pieces(graph, op, op.inputs[0], op.options.axis, keeps_axis=False)


def _check_arity(graph: Graph, op: Op, inputs: int) -> None:
    if len(op.inputs) != inputs or not op.outputs or ABSENT in op.outputs:
        raise graph.refusal(op, f"it has {len(op.inputs)} inputs and {len(op.outputs)} outputs; export the model again")


def _axis(graph: Graph, op: Op, tensor_index: int) -> int:
    found = operands.integers(graph, op, tensor_index, -8, 7)
    if len(found) != 1:
        raise graph.refusal(op, f"it splits along {len(found)} axes, not one; export the model again")
    return found[0]


def _pieces(graph: Graph, op: Op, x_index: int, axis: int, keeps_axis: bool) -> tuple[Call, ...]:
    x = operands.values(graph, op, x_index)
    axis = operands.axis(graph, op, axis, len(x.shape))
    step = strides(x.shape)[axis]
    calls, start = [], 0
    for index in op.outputs:
        y = operands.computed(graph, op, index)
        size = y.shape[axis] if keeps_axis and axis < len(y.shape) else 1
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        if y.shape != (shape if keeps_axis else (*x.shape[:axis], *x.shape[axis + 1 :])):
            raise graph.refusal(op, f"{y.shape} is no part of {x.shape} along axis {axis}; export the model again")
        calls.append(copy(graph, op, x_index, index, shape, View(start * step, strides(x.shape)), whole(shape)))
        start += size
    if start != x.shape[axis]:
        raise graph.refusal(
            op, f"its outputs hold {start} of {x.shape[axis]} along axis {axis}; export the model again"
        )
    return tuple(calls)


SPLIT = OpKind("split", "SPLIT", 0, parse_nothing, lower_split, no_macs)
SPLIT_V = OpKind("split_v", "SPLIT_V", 0, parse_nothing, lower_split_v, no_macs)
UNPACK = OpKind("unpack", "UNPACK", tflite.BuiltinOptions.UnpackOptions, parse_unpack, lower_unpack, no_macs)
