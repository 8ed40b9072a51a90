"""REDUCE_MAX and REDUCE_MIN along any axes, the kernel `reduce_extremum_s8`.

The largest along neighbouring axes is a max pooling with one window, the kernel `max_pool2d_s8`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Call, Kernel, OpKind, Params, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Loops, Shape
from tinyproof.export.ops.mean import loops_along, reduced_axes
from tinyproof.export.ops.pool2d import MAX_KERNEL, MaxPool2dParams, Pool2dParams
from tinyproof.export.ops.window import Window

LARGEST = 65535  # of a window's sizes


@dataclass(frozen=True, eq=False)
class ReduceExtremumParams(Params):
    """The members of `reduce_extremum_params`."""

    c_type: ClassVar[str] = "reduce_extremum_params"

    outputs: Loops
    window: Loops
    sign: int  # 1 for the largest, -1 for the smallest


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """One call. TFLM compares bytes, and asks for equal quantization (reduce_common.cc)."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    if (x.scale, x.zero_point) != (y.scale, y.zero_point):
        raise graph.refusal(op, "its input and output are quantized differently, which TFLM refuses")
    kept, gone = reduced_axes(graph, op, x.shape, y.shape)
    pooling = _pooling(x.shape, gone) if op.name == "REDUCE_MAX" else None
    if pooling:
        return (Call(MAX_KERNEL, (op,), op.inputs[:1], op.outputs[0], pooling),)
    outputs, window = (loops_along(graph, op, x.shape, axes) for axes in (kept, gone))
    params = ReduceExtremumParams(outputs, window, 1 if op.name == "REDUCE_MAX" else -1)
    return (Call(KERNEL, (op,), op.inputs[:1], op.outputs[0], params),)


def _pooling(shape: Shape, axes: Sequence[int]) -> Pool2dParams | None:
    """The window: over rows and columns of an image, else one behind the other over the axes that go, as one.

    None where that is none.
    """
    if len(shape) == 4 and shape[0] == 1 and list(axes) == [1, 2]:
        _, h, w, c = shape
        return MaxPool2dParams(Window(*(h, w, c), *(1, 1, c), *(h, w), 1, 1, 1, 1, 0, 0), -128, 127)
    gone = [axis for axis in axes if shape[axis] > 1]
    if not gone or any(shape[axis] > 1 for axis in range(gone[0], gone[-1]) if axis not in gone):
        return None
    before, along, after = prod(shape[: gone[0]]), prod(shape[k] for k in gone), prod(shape[gone[-1] + 1 :])
    if max(before * along, after) > LARGEST:
        return None
    window = Window(*(1, before * along, after), *(1, before, after), *(1, along), *(1, along), 1, 1, 0, 0)
    return Pool2dParams(window, -128, 127)


KERNEL = Kernel("reduce_extremum")
REDUCE_MAX, REDUCE_MIN = (
    OpKind(name, name.upper(), 0, parse_nothing, lower, no_macs) for name in ("reduce_max", "reduce_min")
)
