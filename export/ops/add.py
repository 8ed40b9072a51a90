"""ADD and SUB, the kernel `add_s8`: operands of any scales, repeated to a common shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import tflite

from tinyproof.export.c_values import CStruct
from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import ActivationOptions, activation_parser
from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.loops import Loops, broadcast, broadcast_leads
from tinyproof.export.ops.operands import Activations
from tinyproof.export.ops.requantize import clamp_range, quantize_multiplier

LEFT_SHIFT = 20  # TFLM's, of the common scale


@dataclass(frozen=True)
class AddOperand(CStruct):
    """How an operand is brought to the common scale; members as in C."""

    c_type: ClassVar[str] = "add_operand"

    zero_point: int
    multiplier: int
    shift: int

    def scaled(self, value: int, left_shift: int) -> int:
        """A byte in steps of the common scale, which is finer by 2^left_shift."""
        return requantize((value - self.zero_point) << left_shift, self.multiplier, self.shift)


@dataclass(frozen=True, eq=False)
class AddParams(Params):
    """The members of `add_params`."""

    c_type: ClassVar[str] = "add_params"

    loops: Loops
    a: AddOperand
    b: AddOperand
    b_sign: int  # 1, or -1 for a difference
    multiplier: int
    shift: int
    y_zero_point: int
    y_min: int
    y_max: int


def common_scale(graph: Graph, op: Op, a: Activations, b: Activations) -> float:
    """Twice the larger scale; refuses an operand whose scale is zero."""
    if not min(a.scale, b.scale) > 0:
        raise graph.refusal(op, "an operand's scale is 0, which TFLM refuses; export the model again")
    return 2 * float(max(a.scale, b.scale))


def fold(graph: Graph, op: Op) -> AddParams:
    """All constants of the op. The common scale is twice the larger one, divided by 2^20 (TFLM's `add_common.cc`)."""
    options = op.options
    assert isinstance(options, ActivationOptions)
    operands.check_arity(graph, op, inputs=(2,))
    a, b = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    common = common_scale(graph, op, a, b)
    first, second = (AddOperand(x.zero_point, *quantize_multiplier(float(x.scale) / common)) for x in (a, b))
    multiplier, shift = quantize_multiplier(common / ((1 << LEFT_SHIFT) * float(y.scale)))
    if shift > 0:
        raise graph.refusal(op, "its output scale is so small that TFLM refuses it; export the model again")
    y_min, y_max = clamp_range(graph, op, y, options.activation)
    return AddParams(
        loops=broadcast(graph, op, a.shape, b.shape, y.shape),
        a=first,
        b=second,
        b_sign=-1 if op.name == "SUB" else 1,
        multiplier=multiplier,
        shift=shift,
        y_zero_point=y.zero_point,
        y_min=y_min,
        y_max=y_max,
    )


def of_bytes(params: AddParams) -> Callable[[int, int], int]:
    """What it makes of two bytes."""

    def function(a: int, b: int) -> int:
        both = params.a.scaled(a, LEFT_SHIFT) + params.b_sign * params.b.scaled(b, LEFT_SHIFT)
        value = params.y_zero_point + requantize(both, params.multiplier, params.shift)
        return min(max(value, params.y_min), params.y_max)

    return function


KERNEL = Kernel("add", leads=broadcast_leads, has_price=True, of_bytes=of_bytes)
CALLS = one_call(KERNEL, fold, inputs=2)
ADD = OpKind("add", "ADD", tflite.BuiltinOptions.AddOptions, activation_parser(tflite.AddOptions), CALLS, no_macs)
SUB = OpKind("sub", "SUB", tflite.BuiltinOptions.SubOptions, activation_parser(tflite.SubOptions), CALLS, no_macs)
