"""Rows and columns of images that nobody reads, left out: those at the lower and the right edge behind the last window.

A pooling of 2 x 2 does not see the last row of an odd height; so it is with a stride for which one more window does not
fit. What leads to such pixels alone is not computed and takes no memory. Every other byte stays as it is; inputs and
outputs of the model stay whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from tinyproof.export.channel_groups import ELEMENTWISE_OPS
from tinyproof.export.dead_channels import Reduced
from tinyproof.export.graph import ABSENT, Graph, Op
from tinyproof.export.intervals import LOOKUP_OPS
from tinyproof.export.ops import macs_of
from tinyproof.export.ops.concatenation import ConcatenationOptions
from tinyproof.export.ops.convolution import ConvolutionOptions
from tinyproof.export.ops.kind import Call
from tinyproof.export.ops.pool2d import Pool2dOptions
from tinyproof.export.ops.window import Window

Size = tuple[int, int]  # rows and columns
WINDOWED_OPS = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D")


def without_unread_pixels(reduced: Reduced, calls_of: Mapping[int, tuple[Call, ...]]) -> Reduced:
    """The graph reduced further, or as it is where all pixels are read. `calls_of`: by op, its plain calls."""
    graph = reduced.graph
    windows = {op.index: window_of(calls_of[op.index]) for op in graph.ops if op.name in WINDOWED_OPS}
    read = _read(graph, windows)
    sizes = {index: size for index, size in read.items() if size != graph.tensors[index].shape[1:3]}
    if not sizes:
        return reduced
    tensors = tuple(
        replace(tensor, shape=(1, *sizes[tensor.index], tensor.shape[3])) if tensor.index in sizes else tensor
        for tensor in graph.tensors
    )
    ops = tuple(
        with_pads(op, windows[op.index]) if op.index in windows and {op.inputs[0], *op.outputs} & sizes.keys() else op
        for op in graph.ops
    )
    rest = replace(graph, tensors=tensors, ops=ops)
    pixels = sum(prod(graph.tensors[index].shape[1:3]) - prod(size) for index, size in sizes.items())
    macs = reduced.macs + macs_of(graph, graph.ops) - macs_of(rest, rest.ops)
    return replace(reduced, graph=rest, sizes=sizes, pixels=pixels, macs=macs)


def window_of(calls: tuple[Call, ...]) -> Window:
    """The window of an op of WINDOWED_OPS, by its plain calls."""
    window = getattr(calls[0].params, "window", None)
    assert isinstance(window, Window)
    return window


def with_pads(op: Op, window: Window) -> Op:
    """The op with its padding in numbers, which no longer follow from the shapes."""
    assert isinstance(op.options, ConvolutionOptions | Pool2dOptions)
    return replace(op, options=replace(op.options, padding=(window.pad_h, window.pad_w)))


def _read(graph: Graph, windows: Mapping[int, Window]) -> dict[int, Size]:
    """How many rows and columns of every image that is computed have a reader, from the top and from the left."""
    whole = {x.index: x.shape[1:3] for x in graph.tensors if len(x.shape) == 4 and x.shape[0] == 1}
    made = {y for op in graph.ops for y in op.outputs} & _used(graph) & whole.keys()
    free = {index for index in made - {*graph.inputs, *graph.outputs} if not graph.tensors[index].is_variable}
    alike = {op.index: _of_one_size(graph, op) for op in graph.ops}
    for op in graph.ops:
        if op.index not in windows:
            free -= {*op.inputs, *op.outputs} - {*alike[op.index]}
    read = dict.fromkeys(free, (0, 0))
    before = None
    while read != before:
        before = dict(read)
        for op in reversed(graph.ops):
            sizes = [read.get(index, whole[index]) for index in alike[op.index]]
            for index in alike[op.index]:
                _raise(read, index, *sizes)
            if op.index in windows and op.outputs[0] in whole:
                seen = _seen(windows[op.index], read.get(op.outputs[0], whole[op.outputs[0]]))
                _raise(read, op.inputs[0], seen)
    return read


def _used(graph: Graph) -> set[int]:
    """The tensors that lead to an output of the model."""
    used = {*graph.outputs}
    for op in reversed(graph.ops):
        if used & {*op.outputs}:
            used |= {*op.inputs}
    return used


def _raise(read: dict[int, Size], index: int, *sizes: Size) -> None:
    if index in read:
        both = zip(read[index], *sizes, strict=True)
        rows, columns = (max(each) for each in both)
        read[index] = rows, columns


def _seen(window: Window, size: Size) -> Size:
    """What windows see that make so many rows and columns; all of the image where one reaches beyond it."""
    rows, columns = (
        min(x, max((y - 1) * stride - pad + (k - 1) * dilation + 1, 1)) if y else 0
        for y, x, k, stride, dilation, pad in zip(
            size,
            (window.x_h, window.x_w),
            (window.k_h, window.k_w),
            (window.stride_h, window.stride_w),
            (window.dilation_h, window.dilation_w),
            (window.pad_h, window.pad_w),
            strict=True,
        )
    )
    return rows, columns


def _of_one_size(graph: Graph, op: Op) -> tuple[int, ...]:
    """The images of an op that makes each pixel of its output from the same pixels of its inputs; else none."""
    y = graph.tensors[op.outputs[0]].shape if len(op.outputs) == 1 else ()
    joins = isinstance(op.options, ConcatenationOptions) and op.options.axis % 4 == 3
    if len(y) != 4 or y[0] != 1 or not (joins or op.name in (*LOOKUP_OPS, *ELEMENTWISE_OPS)):
        return ()
    images = [op.outputs[0]]
    for index in op.inputs:
        tensor = graph.tensors[index]
        if index == ABSENT or (_is_spread(tensor.shape) and tensor.shape[:3] != y[:3] and not joins):
            continue
        if tensor.data is not None or len(tensor.shape) != 4 or tensor.shape[:3] != y[:3]:
            return ()
        images.append(index)
    return tuple(images)


def _is_spread(shape: tuple[int, ...]) -> bool:
    """Whether an operand is the same for every pixel."""
    return all(side == 1 for side in shape[:-1][-3:])
