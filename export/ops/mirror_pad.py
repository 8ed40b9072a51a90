"""MIRROR_PAD, by the kernel `resize_nearest_s8`: where along each axis an output is taken is found here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any

import numpy as np
import tflite

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands, resize_nearest
from tinyproof.export.ops.kind import OpKind, no_macs, one_call
from tinyproof.export.ops.loops import strides
from tinyproof.export.ops.resize_nearest import ResizeNearestParams


@dataclass(frozen=True)
class MirrorPadOptions(OpOptions):
    """As in the file: whether the pixel at the border is repeated (SYMMETRIC) or not (REFLECT)."""

    repeats_border: bool


def parse(table: Any) -> MirrorPadOptions:
    """The options out of the flatbuffer."""
    options = tflite.MirrorPadOptions()
    options.Init(table.Bytes, table.Pos)
    return MirrorPadOptions(options.Mode() == tflite.MirrorPadMode.SYMMETRIC)


def fold(graph: Graph, op: Op) -> ResizeNearestParams:
    """The tables. Inputs (x, paddings)."""
    options = op.options
    assert isinstance(options, MirrorPadOptions)
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.computed(graph, op, op.inputs[0]).shape
    y = operands.computed(graph, op, op.outputs[0]).shape
    paddings = operands.integers(graph, op, op.inputs[1], 0, 65535)
    pairs = list(zip(paddings[::2], paddings[1::2], strict=False))
    if len(paddings) != 2 * len(x) or y != tuple(n + sum(pair) for n, pair in zip(x, pairs, strict=True)):
        raise graph.refusal(op, f"its paddings {paddings} do not turn {x} into {y}; export the model again")
    gap = 0 if options.repeats_border else 1
    if any(max(pair) > n - gap for n, pair in zip(x, pairs, strict=True)):
        raise graph.refusal(op, f"its paddings {paddings} are larger than {x}; pad by less")
    last = max([len(x) - 1, *(axis + 1 for axis, pair in enumerate(pairs) if any(pair))])
    places = [
        np.pad(np.arange(n, dtype=np.int32), pair, "symmetric" if options.repeats_border else "reflect")
        * np.int32(step)
        for n, pair, step in zip(x[:last], pairs, strides(x), strict=False)
    ]
    *others, columns = places or [np.zeros(1, np.int32)]
    rows = reduce(np.add.outer, others, np.zeros(1, np.int32)).reshape(-1)
    return ResizeNearestParams(rows, columns, prod(x[last:]))


OPTIONS = tflite.BuiltinOptions.MirrorPadOptions
MIRROR_PAD = OpKind("mirror_pad", "MIRROR_PAD", OPTIONS, parse, one_call(resize_nearest.KERNEL, fold), no_macs)
