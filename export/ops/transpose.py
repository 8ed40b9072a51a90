"""TRANSPOSE: a copy that runs through the axes in another order."""

from __future__ import annotations

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, is_plain, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import strides

MAX_RANK = 5  # TFLM's


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """y's axis k is x's axis order[k]."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    operands.check_rank(graph, op, x.shape, MAX_RANK)
    order = operands.integers(graph, op, op.inputs[1], 0, len(x.shape) - 1)
    if sorted(order) != list(range(len(x.shape))) or y.shape != tuple(x.shape[axis] for axis in order):
        raise graph.refusal(op, f"the order {order} does not turn {x.shape} into {y.shape}; export the model again")
    steps = [strides(x.shape)[axis] for axis in order]
    call = copy(graph, op, op.inputs[0], op.outputs[0], y.shape, View(0, steps), whole(y.shape))
    return () if is_plain(call, graph.tensors[op.outputs[0]].size) else (call,)


TRANSPOSE = OpKind("transpose", "TRANSPOSE", 0, parse_nothing, lower, no_macs)
