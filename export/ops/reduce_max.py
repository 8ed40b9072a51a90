"""REDUCE_MAX along neighbouring axes: a max pooling with one window, the kernel `max_pool2d_s8`."""

from __future__ import annotations

from math import prod

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import OpKind, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.pool2d import MAX_KERNEL, MaxPool2dParams, Pool2dParams
from tinyproof.export.ops.window import Window

LARGEST = 65535  # of a window's sizes


def fold(graph: Graph, op: Op) -> Pool2dParams:
    """The window: over rows and columns of an image, else over the axes that go, as one."""
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    rank = len(x.shape)
    if (x.scale, x.zero_point) != (y.scale, y.zero_point):
        raise graph.refusal(op, "its input and output are quantized differently, which TFLM refuses")
    axes = {axis % rank for axis in operands.integers(graph, op, op.inputs[1], -rank, rank - 1)}
    gone = [axis for axis in sorted(axes) if x.shape[axis] > 1] or sorted(axes)
    if not gone or prod(y.shape) * prod(x.shape[axis] for axis in gone) != prod(x.shape):
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}; export the model again")
    if any(x.shape[axis] > 1 for axis in range(gone[0], gone[-1]) if axis not in gone):
        raise graph.refusal(op, f"its axes {sorted(axes)} of {x.shape} do not lie side by side; transpose it first")
    if rank == 4 and x.shape[0] == 1 and axes == {1, 2}:
        _, h, w, c = x.shape
        return MaxPool2dParams(Window(*(h, w, c), *(1, 1, c), *(h, w), 1, 1, 1, 1, 0, 0), -128, 127)
    before, along, after = prod(x.shape[: gone[0]]), prod(x.shape[k] for k in gone), prod(x.shape[gone[-1] + 1 :])
    if max(before, along, after) > LARGEST:
        raise graph.refusal(op, f"{x.shape} is too large for a microcontroller")
    window = Window(*(before, along, after), *(before, 1, after), *(1, along), 1, 1, 1, 1, 0, 0)
    return Pool2dParams(window, -128, 127)


REDUCE_MAX = OpKind("reduce_max", "REDUCE_MAX", 0, parse_nothing, one_call(MAX_KERNEL, fold), no_macs)
