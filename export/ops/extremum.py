"""MAXIMUM and MINIMUM, the kernels `maximum_s8` and `minimum_s8`: operands of one scale, repeated to a common shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads


@dataclass(frozen=True, eq=False)
class ElementwiseParams(Params):
    """The members of `elementwise_params`."""

    c_type: ClassVar[str] = "elementwise_params"

    loops: Loops


def fold(graph: Graph, op: Op) -> ElementwiseParams:
    """The loops. TFLM compares the bytes, whatever the file says of their scales."""
    operands.check_arity(graph, op, inputs=(2,))
    a, b = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    return ElementwiseParams(broadcast(graph, op, a.shape, b.shape, y.shape))


KERNELS = (
    Kernel("maximum", leads=broadcast_leads, of_bytes=lambda params: max),
    Kernel("minimum", leads=broadcast_leads, of_bytes=lambda params: min),
)
MAXIMUM, MINIMUM = (
    OpKind(kernel.name, kernel.name.upper(), 0, parse_nothing, one_call(kernel, fold, inputs=2), no_macs)
    for kernel in KERNELS
)
