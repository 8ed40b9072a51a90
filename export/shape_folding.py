"""Shape arithmetic done at export: ops on whole numbers whose operands are all known become constants.

A model converted with a dynamic batch computes shapes at run time (SHAPE, STRIDED_SLICE, PACK before a RESHAPE). On a
device every shape is known, so those ops say nothing new. What cannot be computed here stays, and lowering refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from export.graph import ABSENT, Graph, Op, Tensor
from export.ops.concatenation import ConcatenationOptions
from export.ops.strided_slice import StridedSliceOptions, ranges_of

MAX_VALUES = 64  # of a result: shapes are short, and a damaged file must not make a large one
WHOLE_NUMBERS = ("int32", "int64")
Values = NDArray[np.generic]


def fold_shapes(graph: Graph) -> Graph:
    """The graph without the ops whose results are known, these being constants. Ops keep their index."""
    tensors = list(graph.tensors)
    kept: list[Op] = []
    for op in graph.ops:
        values = _evaluated(replace(graph, tensors=tuple(tensors)), op) if _is_candidate(graph, op) else None
        if values is None or values.size > MAX_VALUES:
            kept.append(op)
        else:
            tensor = tensors[op.outputs[0]]
            tensors[tensor.index] = replace(tensor, shape=values.shape, data=values.astype(tensor.dtype))
    return replace(graph, tensors=tuple(tensors), ops=tuple(kept))


def _is_candidate(graph: Graph, op: Op) -> bool:
    if op.name != "SHAPE" and op.name not in EVALUATORS:
        dict[str, Callable[[Graph, Op, list[Tensor], list[NDArray[np.int64]]], Values | None]] = {
            "STRIDED_SLICE": _strided_slice,
            "PACK": _pack,
            "CONCATENATION": _concatenation,
            "MUL": _product,
        }
