"""BROADCAST_TO: a copy that stands still along the axes of size one that are to be longer."""

from __future__ import annotations

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import strides

MAX_RANK = 5  # TFLM's


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Inputs (x, shape)."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.values(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    shape = operands.integers(graph, op, op.inputs[1], 1, 65535)
    source = (1,) * (len(y.shape) - len(x.shape)) + x.shape
    fits = len(source) == len(y.shape) and all(m in (1, n) for m, n in zip(source, y.shape, strict=True))
    if tuple(shape) != y.shape or not fits or len(shape) > MAX_RANK:
        raise graph.refusal(op, f"it does not turn {x.shape} into {y.shape} of at most {MAX_RANK} axes; reshape before")
    steps = [step if size > 1 else 0 for size, step in zip(source, strides(source), strict=True)]
    return (copy(graph, op, op.inputs[0], op.outputs[0], y.shape, View(0, steps), whole(y.shape)),)


BROADCAST_TO = OpKind("broadcast_to", "BROADCAST_TO", 0, parse_nothing, lower, no_macs)
