"""PAD ops ahead of convolutions as the padding of their windows, which lays nothing around an image and moves no byte.

What a window sees outside an image is the zero point, which is what PAD puts there. Between the two may be a RESHAPE
that makes a row of pixels of a sequence, as ahead of a one-dimensional convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinyproof.export.dead_channels import Reduced
from tinyproof.export.graph import Graph, Op, Tensor
from tinyproof.export.ops.copy import FillParams
from tinyproof.export.ops.kind import Call
from tinyproof.export.ops.window import Window
from tinyproof.export.unread_pixels import window_of, with_pads

PADS, RESHAPES, CONVOLUTIONS = ("PAD", "PADV2"), ("RESHAPE", "EXPAND_DIMS"), ("CONV_2D", "DEPTHWISE_CONV_2D")
Calls = Mapping[int, tuple[Call, ...]]  # by op


@dataclass(frozen=True)
class _Around:
    """What lies around the image of some convolutions: `image` is what they see without it."""

    pad: Op
    reshape: Op | None
    image: Tensor
    above: int
    left: int
    readers: tuple[Op, ...]


def with_pads_in_windows(reduced: Reduced, calls_of: Calls) -> Reduced:
    """The graph without the PAD ops of which only convolutions read. `calls_of`: by op, its plain calls."""
    graph = reduced.graph
    found = [around for op in graph.ops if op.name in PADS and (around := _around(graph, op, calls_of))]
    if not found:
        return reduced
    tensors, gone = list(graph.tensors), {around.pad.index for around in found}
    ops = {op.index: op for op in graph.ops if op.index not in gone}
    for around in found:
        if around.reshape:
            tensors[around.image.index] = around.image
            ops[around.reshape.index] = replace(
                around.reshape, inputs=(around.pad.inputs[0], *around.reshape.inputs[1:])
            )
        for op in around.readers:
            moved = replace(op, inputs=(around.image.index, *op.inputs[1:]))
            ops[op.index] = with_pads(moved, _moved(op, around, calls_of))
    return replace(reduced, graph=replace(graph, tensors=tuple(tensors), ops=tuple(ops.values())))


def _around(graph: Graph, pad: Op, calls_of: Calls) -> _Around | None:
    """What the PAD lays around an image; None where something else needs it, or a window would not see the image."""
    fill = calls_of[pad.index][0].params if calls_of[pad.index] else None
    x, y = graph.tensors[pad.inputs[0]], graph.tensors[pad.outputs[0]]
    numbers = graph.tensors[pad.inputs[1]].data
    if not isinstance(fill, FillParams) or numbers is None or x.quantization is None or y.quantization is None:
        return None
    alike = np.array_equal(x.quantization.scale, y.quantization.scale)
    if not alike or fill.value != x.quantization.zero_point[0] or fill.value != y.quantization.zero_point[0]:
        return None
    before = [int(number) for number in numbers.reshape(-1, 2)[:, 0]]
    readers, reshape = _readers(graph, y), None
    if len(readers) == 1 and readers[0].name in RESHAPES:
        reshape = readers[0]
        y = graph.tensors[reshape.outputs[0]]
        readers = _readers(graph, y)
        image = _row_of_pixels(x.shape, y)
        before = [0, 0, before[1], before[2]] if len(before) == 3 else []
    else:
        image = x
    if image is None or len(before) != 4 or image.shape[0] != y.shape[0] or image.shape[3] != y.shape[3]:
        return None
    around = _Around(pad, reshape, image, before[1], before[2], tuple(readers))
    return around if readers and all(_sees_it(op, y, around, calls_of) for op in readers) else None


def _readers(graph: Graph, tensor: Tensor) -> list[Op]:
    """The ops that read it; none of a tensor that is also the model's output."""
    return [] if tensor.index in graph.outputs else [op for op in graph.ops if tensor.index in op.inputs]


def _row_of_pixels(shape: Sequence[int], y: Tensor) -> Tensor | None:
    """A sequence (n, steps, channels) as the image that y (n, 1, more steps, channels) is of a longer one."""
    if len(shape) != 3 or len(y.shape) != 4 or y.shape[1] != 1:
        return None
    return replace(y, shape=(shape[0], 1, *shape[1:]))


def _moved(op: Op, around: _Around, calls_of: Calls) -> Window:
    """The convolution's window on the image alone."""
    window = window_of(calls_of[op.index])
    return replace(window, pad_h=window.pad_h + around.above, pad_w=window.pad_w + around.left)


def _sees_it(op: Op, y: Tensor, around: _Around, calls_of: Calls) -> bool:
    """Whether it is a convolution of y, each of whose windows sees some of the image."""
    if op.name not in CONVOLUTIONS or op.inputs.count(y.index) != 1 or op.inputs[0] != y.index:
        return False
    window = _moved(op, around, calls_of)
    pads = window.pad_h, window.pad_w
    reaches = (window.k_h - 1) * window.dilation_h, (window.k_w - 1) * window.dilation_w
    lasts = (window.y_h - 1) * window.stride_h, (window.y_w - 1) * window.stride_w
    each = zip(pads, reaches, lasts, around.image.shape[1:3], strict=True)
    return all(pad <= reach and last - pad < size for pad, reach, last, size in each)
