"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape. They have no kernel and cost nothing."""

from __future__ import annotations

from math import prod

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """No call, once it is certain that the bytes are the same. The new shape is the output tensor's own."""
    operands.check_arity(graph, op, inputs=(1, 2))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    if prod(x.shape) != prod(y.shape):
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}, which holds another number of values")
    return ()


RESHAPE, SQUEEZE, EXPAND_DIMS = (
    OpKind(name, name.upper(), 0, parse_nothing, lower, no_macs) for name in ("reshape", "squeeze", "expand_dims")
)
