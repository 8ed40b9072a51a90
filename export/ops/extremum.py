"""MAXIMUM and MINIMUM, the kernels `maximum_s8` and `minimum_s8`: operands of one scale, repeated to a common shape."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.export.c_values import Field, Struct
from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads, emit_loops


@dataclass(frozen=True, eq=False)
class ElementwiseParams(Params):
    """The members of `elementwise_params`."""

    loops: Loops


def fold(graph: Graph, op: Op) -> ElementwiseParams:
    """The loops. TFLM compares the bytes, whatever the file says of their scales."""
    operands.check_arity(graph, op, inputs=(2,))
    a, b = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    return ElementwiseParams(broadcast(graph, op, a.shape, b.shape, y.shape))


def emit(params: ElementwiseParams) -> Struct:
    """The C initializer."""
    return Struct("elementwise_params", (Field("loops", emit_loops(params.loops)),))


def leads(params: ElementwiseParams) -> tuple[int | None, int | None]:
    """How far before each operand y must begin to overwrite it."""
    return broadcast_leads(params.loops)


MAXIMUM, MINIMUM = (
    OpKind(name, name.upper(), 0, parse_nothing, one_call(Kernel(name, emit, leads=leads), fold, inputs=2), no_macs)
    for name in ("maximum", "minimum")
)
