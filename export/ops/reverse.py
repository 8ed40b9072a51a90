"""REVERSE_V2: a copy that runs backwards along neighbouring axes."""

from __future__ import annotations

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import strides

MAX_RANK = 6  # TFLM's


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x, axes)."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    operands.check_rank(graph, op, x.shape, MAX_RANK)
    rank = len(x.shape)
    axes = sorted(axis % rank for axis in operands.integers(graph, op, op.inputs[1], -rank, rank - 1))
    if x.shape != y.shape or axes != list(range(axes[0], axes[0] + len(axes))):
        raise graph.refusal(op, f"TFLM reverses neighbouring axes, not {axes} of {x.shape}; reverse one at a time")
    steps = [-step if axis in axes else step for axis, step in enumerate(strides(x.shape))]
    last = sum((x.shape[axis] - 1) * strides(x.shape)[axis] for axis in axes)
    return (copy(graph, op, op.inputs[0], op.outputs[0], x.shape, View(last, steps), whole(x.shape)),)


REVERSE = OpKind("reverse", "REVERSE_V2", 0, parse_nothing, lower, no_macs)
