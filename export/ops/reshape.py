"""RESHAPE: the same bytes under another shape. It has no kernel and costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from export.graph import Graph, Op, OpOptions
from export.ops import operands
from export.ops.kind import Call, OpKind, no_macs


@dataclass(frozen=True)
class ReshapeOptions(OpOptions):
    """The new shape is the output tensor's own; the copies of it in the options and in an operand are not needed."""


def parse(table: Any) -> ReshapeOptions:
    """The options out of the flatbuffer."""
    return ReshapeOptions()


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """No call, once it is certain that the bytes are the same."""
    operands.check_arity(graph, op, inputs=(1, 2))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    if prod(x.shape) != prod(y.shape):
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}, which holds another number of values")
    return ()


RESHAPE = OpKind("reshape", "RESHAPE", 0, parse, lower, no_macs)
