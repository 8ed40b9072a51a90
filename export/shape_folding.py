"""Shape arithmetic done at export: ops on whole numbers whose operands are all known become constants.

A model converted with a dynamic batch computes shapes at run time (SHAPE, STRIDED_SLICE, PACK before a RESHAPE). On a
device every shape is known, so those ops say nothing new. What cannot be computed here stays, and lowering refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.ops.concatenation import ConcatenationOptions
from tinyproof.export.ops.strided_slice import StridedSliceOptions, ranges_of

MAX_VALUES = 64  # of a result: shapes are short, and a damaged file must not make a large one
WHOLE_NUMBERS = ("int32", "int64")
Values = NDArray[np.int64]


def fold_shapes(graph: Graph) -> Graph:
    """The graph without the ops whose results are known, these being constants. Ops keep their index."""
    tensors = list(graph.tensors)
    kept: list[Op] = []
    for op in graph.ops:
        values = _evaluated(graph, op, tensors) if _is_candidate(graph, op) else None
        if values is None or values.size > MAX_VALUES:
            kept.append(op)
        else:
            tensor = tensors[op.outputs[0]]
            tensors[tensor.index] = replace(tensor, shape=values.shape, data=values.astype(tensor.dtype))
    return replace(graph, tensors=tuple(tensors), ops=tuple(kept))


def _is_candidate(graph: Graph, op: Op) -> bool:
    if op.name != "SHAPE" and op.name not in EVALUATORS:
        return False
    if len(op.outputs) != 1 or op.outputs[0] in (ABSENT, *graph.outputs) or not op.inputs or ABSENT in op.inputs:
        return False
    return graph.tensors[op.outputs[0]].dtype in WHOLE_NUMBERS


def _evaluated(graph: Graph, op: Op, tensors: list[Tensor]) -> Values | None:
    """The op's result; None where it is not known."""
    operands = [tensors[index] for index in op.inputs]
    if op.name == "SHAPE":
        return np.array(operands[0].shape, np.int64) if min(operands[0].shape, default=1) > 0 else None
    if any(x.data is None or x.dtype not in WHOLE_NUMBERS or x.size > MAX_VALUES for x in operands):
        return None
    return EVALUATORS[op.name](graph, op, [np.asarray(x.data, np.int64) for x in operands])


def _strided_slice(graph: Graph, op: Op, values: list[Values]) -> Values | None:
    if len(values) != 4 or not isinstance(op.options, StridedSliceOptions):
        return None
    x, *bounds = values
    taken = ranges_of(graph, op, x.shape, [bound.reshape(-1).tolist() for bound in bounds])
    if any(r and not 0 <= min(r) <= max(r) < size for r, size in zip(taken, x.shape, strict=True)):
        return None
    gone = tuple(axis for axis in range(x.ndim) if op.options.shrink_axis_mask >> axis & 1)
    return np.squeeze(x[np.ix_(*taken)] if taken else x, gone)


def _pack(graph: Graph, op: Op, values: list[Values]) -> Values | None:
    if not isinstance(op.options, ConcatenationOptions) or len({value.shape for value in values}) != 1:
        return None
    rank = values[0].ndim + 1
    return np.stack(values, op.options.axis) if -rank <= op.options.axis < rank else None


def _concatenation(graph: Graph, op: Op, values: list[Values]) -> Values | None:
    return np.concatenate(values) if all(value.ndim == 1 for value in values) else None


def _product(graph: Graph, op: Op, values: list[Values]) -> Values | None:
    return values[0] * values[1] if len(values) == 2 and values[0].shape == values[1].shape else None


EVALUATORS: dict[str, Callable[[Graph, Op, list[Values]], Values | None]] = {
    "STRIDED_SLICE": _strided_slice,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "MUL": _product,
}
