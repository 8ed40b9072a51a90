"""PRELU, the kernel `prelu_s8`: the slope below zero is a tensor, repeated to the shape of the input."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.export.c_values import Field, Struct
from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads, emit_loops
from tinyproof.export.ops.requantize import rescale


@dataclass(frozen=True, eq=False)
class PreluParams(Params):
    """The members of `prelu_params`."""

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


def emit(params: PreluParams) -> Struct:
    """The C initializer."""
    return Struct(
        "prelu_params",
        (
            Field("loops", emit_loops(params.loops)),
            Field("x_zero_point", params.x_zero_point),
            Field("alpha_zero_point", params.alpha_zero_point),
            Field("multiplier", params.multiplier),
            Field("shift", params.shift),
            Field("alpha_multiplier", params.alpha_multiplier),
            Field("alpha_shift", params.alpha_shift),
            Field("y_zero_point", params.y_zero_point),
        ),
    )


def leads(params: PreluParams) -> tuple[int | None, int | None]:
    """How far before each operand y must begin to overwrite it."""
    return broadcast_leads(params.loops)


KERNEL = Kernel("prelu", emit, leads=leads)
PRELU = OpKind("prelu", "PRELU", 0, parse_nothing, one_call(KERNEL, fold, inputs=2), no_macs)
