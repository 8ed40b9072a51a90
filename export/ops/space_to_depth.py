"""SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of pixels copied to other axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import tflite

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.copy import View, copy, whole
from tinyproof.export.ops.kind import Call, OpKind, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.loops import Shape, strides

LARGEST = 65535


@dataclass(frozen=True)
class BlockOptions(OpOptions):
    """As in the file."""

    block_size: int


def parser(table_class: Any) -> Callable[[Any], BlockOptions]:
    """The `parse` of an op whose options are a `table_class` of the schema."""

    def parse(table: Any) -> BlockOptions:
        options = table_class()
        options.Init(table.Bytes, table.Pos)
        return BlockOptions(options.BlockSize())

    return parse


def lower_depth(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Between (n, h * size, w * size, c) and (n, h, w, size * size * c)."""
    options = op.options
    assert isinstance(options, BlockOptions)
    operands.check_arity(graph, op, inputs=(1,))
    x, y = (operands.computed(graph, op, index).shape for index in (op.inputs[0], op.outputs[0]))
    size = options.block_size
    wide, deep = (x, y) if op.name == "SPACE_TO_DEPTH" else (y, x)
    expected = (deep[0], *(n * size for n in deep[1:3]), wide[-1])
    if size < 1 or len(x) != 4 or len(y) != 4 or wide != expected or deep[3] != size * size * wide[3]:
        raise graph.refusal(op, f"blocks of {size} do not turn {x} into {y}; export the model again")
    n, row, pixel, channel = strides(wide)
    counts = (*deep[:3], size, size, wide[3])
    spread = View(0, (n, size * row, size * pixel, row, pixel, channel))
    views = (spread, whole(counts)) if op.name == "SPACE_TO_DEPTH" else (whole(counts), spread)
    return (copy(graph, op, op.inputs[0], op.outputs[0], counts, *views),)


def lower_batch(graph: Graph, op: Op) -> tuple[Call, ...]:
    """Between (n, h, w, c) and (blocks * n, h / block, w / block, c). Inputs (x, block shape, paddings or crops)."""
    operands.check_arity(graph, op, inputs=(3,))
    x, y = (operands.computed(graph, op, index).shape for index in (op.inputs[0], op.outputs[0]))
    block = operands.integers(graph, op, op.inputs[1], 1, LARGEST)
    margins = operands.integers(graph, op, op.inputs[2], 0, LARGEST)
    splits = op.name == "SPACE_TO_BATCH_ND"
    if splits and any(margins):
        raise graph.refusal(op, f"TFLM pads with what lies in memory; {PADDING_CURE}")
    image, batch = (x, y) if splits else (y, x)
    if len(x) not in (3, 4) or len(y) != len(x) or len(block) != len(x) - 2 or len(margins) != 2 * len(block):
        raise graph.refusal(op, f"blocks {block} do not turn {x} into {y}; export the model again")
    sizes = [n + before + after for n, before, after in zip(image[1:-1], margins[::2], margins[1::2], strict=True)]
    made = [n * step for n, step in zip(batch[1:-1], block, strict=True)]
    blocks = list(product(*map(range, block)))
    if sizes != made or batch[0] != len(blocks) * image[0] or batch[-1] != image[-1]:
        raise graph.refusal(op, f"blocks {block} do not turn {x} into {y}; export the model again")
    calls = []
    for index, offset in enumerate(blocks):
        found = _block(image, batch, index, offset, block, margins[::2])
        if found:
            counts, in_image, in_batch = found
            views = (in_image, in_batch) if splits else (in_batch, in_image)
            calls.append(copy(graph, op, op.inputs[0], op.outputs[0], counts, *views))
    return tuple(calls)


def _block(
    image: Shape, batch: Shape, index: int, offset: tuple[int, ...], block: list[int], cut: list[int]
) -> tuple[Shape, View, View] | None:
    """(counts, where in the image, where in the batches) of what the image has of the pixels at `offset` of a block."""
    image_steps, batch_steps = strides(image), strides(batch)
    at_image, at_batch, counts = 0, index * image[0] * batch_steps[0], [image[0]]
    for axis, (shift, step, before) in enumerate(zip(offset, block, cut, strict=True), start=1):
        inside = [k for k in range(batch[axis]) if 0 <= k * step + shift - before < image[axis]]
        if not inside:
            return None
        at_image += (inside[0] * step + shift - before) * image_steps[axis]
        at_batch += inside[0] * batch_steps[axis]
        counts.append(len(inside))
    spread = [n * step for n, step in zip(image_steps, (1, *block, 1), strict=True)]
    return (*counts, image[-1]), View(at_image, spread), View(at_batch, batch_steps)


PADDING_CURE = "use dilation_rate, with a fixed batch of one"
TO_DEPTH, TO_SPACE = tflite.SpaceToDepthOptions, tflite.DepthToSpaceOptions
NUMBERS = tflite.BuiltinOptions
BLOCKS = (
    OpKind("space_to_depth", "SPACE_TO_DEPTH", NUMBERS.SpaceToDepthOptions, parser(TO_DEPTH), lower_depth, no_macs),
    OpKind("depth_to_space", "DEPTH_TO_SPACE", NUMBERS.DepthToSpaceOptions, parser(TO_SPACE), lower_depth, no_macs),
    OpKind("space_to_batch", "SPACE_TO_BATCH_ND", 0, parse_nothing, lower_batch, no_macs),
    OpKind("batch_to_space", "BATCH_TO_SPACE_ND", 0, parse_nothing, lower_batch, no_macs),
)
