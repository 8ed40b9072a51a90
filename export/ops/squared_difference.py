"""SQUARED_DIFFERENCE, the kernel `squared_difference_s8`: operands of any scales, repeated to a common shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.add import AddOperand, common_scale
from tinyproof.export.ops.fixed_point import requantize, saturate
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads
from tinyproof.export.ops.requantize import quantize_multiplier, rescale

LEFT_SHIFT = 7
LARGEST = (255 * 2**LEFT_SHIFT) ** 2
MAX_RANK = 4  # TFLM's, of operands that repeat


@dataclass(frozen=True, eq=False)
class SquaredDifferenceParams(Params):
    """The members of `squared_difference_params`."""

    c_type: ClassVar[str] = "squared_difference_params"

    loops: Loops
    a: AddOperand
    b: AddOperand
    multiplier: int
    shift: int
    y_zero_point: int


def fold(graph: Graph, op: Op) -> SquaredDifferenceParams:
    """All constants of the op. The common scale is twice the larger one, divided by 2^7 (squared_difference.cc)."""
    operands.check_arity(graph, op, inputs=(2,))
    a, b = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    if a.shape != b.shape and len(y.shape) > MAX_RANK:
        raise graph.refusal(op, f"TFLM repeats operands of at most {MAX_RANK} axes, not {y.shape}; reshape to fewer")
    common = common_scale(graph, op, a, b)
    first, second = (AddOperand(x.zero_point, *quantize_multiplier(float(x.scale) / common)) for x in (a, b))
    multiplier, shift = rescale(graph, op, common * common / (4**LEFT_SHIFT * float(y.scale)), LARGEST)
    loops = broadcast(graph, op, a.shape, b.shape, y.shape)
    return SquaredDifferenceParams(loops, first, second, multiplier, shift, y.zero_point)


def of_bytes(params: SquaredDifferenceParams) -> Callable[[int, int], int]:
    """What it makes of two bytes."""

    def function(a: int, b: int) -> int:
        square = (params.a.scaled(a, LEFT_SHIFT) - params.b.scaled(b, LEFT_SHIFT)) ** 2
        return saturate(params.y_zero_point + requantize(square, params.multiplier, params.shift), 8)

    return function


KERNEL = Kernel("squared_difference", leads=broadcast_leads, of_bytes=of_bytes)
CALLS = one_call(KERNEL, fold, inputs=2)
SQUARED_DIFFERENCE = OpKind("squared_difference", "SQUARED_DIFFERENCE", 0, parse_nothing, CALLS, no_macs)
