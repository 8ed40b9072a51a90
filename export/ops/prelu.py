"""PRELU, the kernel `prelu_s8`: the slope below zero is a tensor, repeated to the shape of the input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.fixed_point import requantize, saturate
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads
from tinyproof.export.ops.requantize import rescale


@dataclass(frozen=True, eq=False)
class PreluParams(Params):
    """The members of `prelu_params`."""

    c_type: ClassVar[str] = "prelu_params"

    loops: Loops
    x_zero_point: int
    alpha_zero_point: int
    multiplier: int
    shift: int
    alpha_multiplier: int
    alpha_shift: int
    y_zero_point: int


def fold(graph: Graph, op: Op) -> PreluParams:
    """All constants of the op."""
    operands.check_arity(graph, op, inputs=(2,))
    x, alpha = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    multiplier, shift = rescale(graph, op, float(x.scale) / float(y.scale), 255)
    alpha_multiplier, alpha_shift = rescale(graph, op, float(x.scale) * float(alpha.scale) / float(y.scale), 255 * 255)
    return PreluParams(
        loops=broadcast(graph, op, x.shape, alpha.shape, y.shape),
        x_zero_point=x.zero_point,
        alpha_zero_point=alpha.zero_point,
        multiplier=multiplier,
        shift=shift,
        alpha_multiplier=alpha_multiplier,
        alpha_shift=alpha_shift,
        y_zero_point=y.zero_point,
    )


def of_bytes(params: PreluParams) -> Callable[[int, int], int]:
    """What it makes of a byte and a byte of the slope."""

    def function(x: int, alpha: int) -> int:
        value = x - params.x_zero_point
        if value >= 0:
            scaled = requantize(value, params.multiplier, params.shift)
        else:
            product = value * (alpha - params.alpha_zero_point)
            scaled = requantize(product, params.alpha_multiplier, params.alpha_shift)
        return saturate(params.y_zero_point + scaled, 8)

    return function


KERNEL = Kernel("prelu", leads=broadcast_leads, of_bytes=of_bytes)
PRELU = OpKind("prelu", "PRELU", 0, parse_nothing, one_call(KERNEL, fold, inputs=2), no_macs)
