"""MEAN and SUM along any axes, the kernel `mean_s8`."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, nest, strides
from tinyproof.export.ops.requantize import rescale


@dataclass(frozen=True, eq=False)
class MeanParams(Params):
    """The members of `mean_params`."""

    c_type: ClassVar[str] = "mean_params"

    outputs: Loops
    window: Loops
    x_zero_points: int
    multiplier: int
    shift: int
    y_zero_point: int


def fold(graph: Graph, op: Op) -> MeanParams:
    """All constants of the op. The division goes into the multiplier as in TFLM (reference/reduce.h)."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    rank = len(x.shape)
    axes = {axis % rank for axis in operands.integers(graph, op, op.inputs[1], -rank, rank - 1)}
    summed, kept = ([axis for axis in range(rank) if (axis in axes) is gone] for gone in (True, False))
    count = prod(x.shape[axis] for axis in summed)
    if prod(y.shape) * count != prod(x.shape):
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}; export the model again")
    multiplier, shift = rescale(graph, op, float(x.scale) / float(y.scale), 255 * count)
    if op.name == "MEAN":
        halvings = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << halvings) // count, shift - halvings
    outputs, window = (
        nest(graph, op, [x.shape[a] for a in axes], [strides(x.shape)[a] for a in axes], [0] * len(axes))
        for axes in (kept, summed)
    )
    return MeanParams(outputs, window, x.zero_point * count, multiplier, shift, y.zero_point)


KERNEL = Kernel("mean", has_price=True)
MEAN, SUM = (OpKind(name, name.upper(), 0, parse_nothing, one_call(KERNEL, fold), no_macs) for name in ("mean", "sum"))
