"""GATHER with constant indexes, by the kernel `resize_nearest_s8`: where each run of bytes comes from is found here."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import tflite

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands, resize_nearest
from tinyproof.export.ops.kind import OpKind, no_macs, one_call
from tinyproof.export.ops.resize_nearest import ResizeNearestParams


@dataclass(frozen=True)
class GatherOptions(OpOptions):
    """As in the file."""

    axis: int
    batch_dims: int


def parse(table: Any) -> GatherOptions:
    """The options out of the flatbuffer."""
    options = tflite.GatherOptions()
    options.Init(table.Bytes, table.Pos)
    return GatherOptions(options.Axis(), options.BatchDims())


def fold(graph: Graph, op: Op) -> ResizeNearestParams:
    """The tables: where in x every run of y begins. Inputs (x, indexes)."""
    options = op.options
    assert isinstance(options, GatherOptions)
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.values(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    axis = operands.axis(graph, op, options.axis, len(x.shape))
    if not graph.tensors[op.inputs[1]].size:
        raise graph.refusal(op, "it gathers nothing; export the model again")
    indexes = np.array(operands.integers(graph, op, op.inputs[1], 0, x.shape[axis] - 1), np.int32)
    shape = graph.tensors[op.inputs[1]].shape
    batches = options.batch_dims + (len(shape) if options.batch_dims < 0 else 0)
    if not 0 <= batches <= min(axis, len(shape)) or shape[:batches] != x.shape[:batches]:
        raise graph.refusal(op, f"indexes {shape} are no batches of {x.shape}; export the model again")
    if y.shape != (*x.shape[:axis], *shape[batches:], *x.shape[axis + 1 :]):
        raise graph.refusal(op, f"indexes {shape} do not turn {x.shape} into {y.shape}; export the model again")
    run = prod(x.shape[axis + 1 :])
    starts = np.arange(prod(x.shape[:axis]), dtype=np.int32) * (x.shape[axis] * run)
    if batches == 0:
        return ResizeNearestParams(starts, indexes * np.int32(run), run)
    own = indexes.reshape(prod(shape[:batches]), 1, -1) * run  # batch by batch
    rows = starts.reshape(len(own), -1, 1) + own
    return ResizeNearestParams(rows.reshape(-1).astype(np.int32), np.zeros(1, np.int32), run)


OPTIONS = tflite.BuiltinOptions.GatherOptions
GATHER = OpKind("gather", "GATHER", OPTIONS, parse, one_call(resize_nearest.KERNEL, fold), no_macs)
