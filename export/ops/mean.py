"""MEAN and SUM along any axes, the kernel `mean_s8`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, Shape, nest, strides
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


def reduced_axes(graph: Graph, op: Op, x: Shape, y: Shape) -> tuple[list[int], list[int]]:
    """(axes that stay, axes that go) of an op with inputs (x, axes); refuses a y that does not follow from them."""
    rank = len(x)
    axes = {axis % rank for axis in operands.integers(graph, op, op.inputs[1], -rank, rank - 1)}
    kept, gone = ([axis for axis in range(rank) if (axis in axes) is goes] for goes in (False, True))
    if prod(y) * prod(x[axis] for axis in gone) != prod(x):
        raise graph.refusal(op, f"it turns {x} into {y}; export the model again")
    return kept, gone


def loops_along(graph: Graph, op: Op, shape: Shape, axes: Sequence[int]) -> Loops:
    """The loops over all that a tensor of this shape holds along some of its axes, in order."""
    return nest(graph, op, [shape[a] for a in axes], [strides(shape)[a] for a in axes], [0] * len(axes))


def fold(graph: Graph, op: Op) -> MeanParams:
    """All constants of the op. The division goes into the multiplier as in TFLM (reference/reduce.h)."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    kept, summed = reduced_axes(graph, op, x.shape, y.shape)
    count = prod(x.shape[axis] for axis in summed)
    multiplier, shift = rescale(graph, op, float(x.scale) / float(y.scale), 255 * count)
    if op.name == "MEAN":
        halvings = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << halvings) // count, shift - halvings
    outputs, window = (loops_along(graph, op, x.shape, axes) for axes in (kept, summed))
    return MeanParams(outputs, window, x.zero_point * count, multiplier, shift, y.zero_point)


KERNEL = Kernel("mean", has_price=True)
MEAN, SUM = (OpKind(name, name.upper(), 0, parse_nothing, one_call(KERNEL, fold), no_macs) for name in ("mean", "sum"))
