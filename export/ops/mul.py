"""MUL, the kernel `mul_s8`: operands of any scales, repeated to a common shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import tflite

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import ActivationOptions, activation_parser
from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads
from tinyproof.export.ops.requantize import clamp_range, rescale


@dataclass(frozen=True, eq=False)
class MulParams(Params):
    """The members of `mul_params`."""

    c_type: ClassVar[str] = "mul_params"

    loops: Loops
    a_zero_point: int
    b_zero_point: int
    multiplier: int
    shift: int
    y_zero_point: int
    y_min: int
    y_max: int


def fold(graph: Graph, op: Op) -> MulParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, ActivationOptions)
    operands.check_arity(graph, op, inputs=(2,))
    a, b = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    multiplier, shift = rescale(graph, op, float(a.scale) * float(b.scale) / float(y.scale), 255 * 255)
    y_min, y_max = clamp_range(graph, op, y, options.activation)
    loops = broadcast(graph, op, a.shape, b.shape, y.shape)
    return MulParams(loops, a.zero_point, b.zero_point, multiplier, shift, y.zero_point, y_min, y_max)


def of_bytes(params: MulParams) -> Callable[[int, int], int]:
    """What it makes of two bytes."""

    def function(a: int, b: int) -> int:
        product = (a - params.a_zero_point) * (b - params.b_zero_point)
        value = params.y_zero_point + requantize(product, params.multiplier, params.shift)
        return min(max(value, params.y_min), params.y_max)

    return function


KERNEL = Kernel("mul", leads=broadcast_leads, has_price=True, of_bytes=of_bytes)
CALLS = one_call(KERNEL, fold, inputs=2)
MUL = OpKind("mul", "MUL", tflite.BuiltinOptions.MulOptions, activation_parser(tflite.MulOptions), CALLS, no_macs)
