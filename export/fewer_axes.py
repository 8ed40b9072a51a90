"""STRIDED_SLICE of more axes than TensorFlow Lite Micro takes, as TimeDistributed becomes: the same bytes by fewer.

Axes of one element, and those behind another that are taken whole, are one with their neighbour in memory.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tinyproof.console import UserError
from tinyproof.export.graph import ABSENT, Graph, Op
from tinyproof.export.ops.strided_slice import MAX_RANK, StridedSliceOptions, ranges_of
from tinyproof.export.tflite_editing import add_integers, add_tensor, new_op, new_reshape, packed, unpacked
from tinyproof.export.tflite_reader import read_graph

Axis = tuple[int, range]  # its size, and the elements that are taken
SLICE = "STRIDED_SLICE"


def with_fewer_axes(content: bytes, source: str) -> bytes:
    """The model with such slices between two RESHAPE; the same bytes where there are none. UserError where they are no
    model. What does not come down to four axes is left for the export to refuse.
    """
    graph = read_graph(content, source)
    found = {op.index: axes for op in graph.ops if (axes := _fewer(graph, op))}
    if not found:
        return content
    model = unpacked(content, source)
    ops = enumerate(model.subgraphs[0].operators)
    ready = {index: _ops(model, graph, graph.ops[index], axes) for index, axes in found.items()}
    model.subgraphs[0].operators = [new for k, op in ops for new in ready.get(k, [op])]
    return packed(model)


def _fewer(graph: Graph, op: Op) -> list[Axis]:
    """The axes of such a slice, as few as they come to; none for another op, or where they stay too many."""
    if op.name != SLICE or len(op.inputs) != 4 or len(op.outputs) != 1 or ABSENT in op.inputs:
        return []
    x, y, *bounds = (graph.tensors[index] for index in (op.inputs[0], op.outputs[0], *op.inputs[1:]))
    if len(x.shape) <= MAX_RANK[SLICE] or x.dtype != "int8" or min(x.shape) < 1 or min(y.shape, default=1) < 1:
        return []
    given = [each.data for each in bounds if each.data is not None and each.dtype == "int32"]
    if len(given) < len(bounds) or x.data is not None:
        return []
    if not isinstance(op.options, StridedSliceOptions):
        return []
    try:
        taken = ranges_of(graph, op, x.shape, [np.ravel(each).tolist() for each in given])
    except UserError:  # which the export says itself
        return []
    pairs = list(zip(x.shape, taken, strict=True))
    if any(each.step < 1 or not each or each[0] < 0 or each[-1] >= size for size, each in pairs):
        return []
    axes = joined(pairs)
    return axes if prod(map(len, taken)) == prod(y.shape) and len(axes) <= MAX_RANK[SLICE] else []


def joined(axes: list[Axis]) -> list[Axis]:
    """Axes that take the same elements in the same order, as few as this finds; all steps lead forwards.

    >>> joined([(5, range(2, 3)), (1, range(0, 1)), (16, range(16)), (4, range(4))])
    [(320, range(128, 192))]
    >>> joined([(1, range(1)), (6, range(0, 6, 2)), (4, range(4)), (3, range(1, 3))])
    [(6, range(0, 6, 2)), (4, range(0, 4)), (3, range(1, 3))]
    """
    found: list[Axis] = []
    for size, taken in axes:
        if size == 1 and len(taken) == 1:
            continue
        outer_size, outer = found[-1] if found else (0, range(0))
        is_run = outer.step == 1 or len(outer) == 1
        if found and is_run and taken == range(size):
            found[-1] = outer_size * size, range(outer[0] * size, (outer[-1] + 1) * size)
        elif found and len(outer) == 1:
            begin = outer[0] * size
            found[-1] = outer_size * size, range(begin + taken.start, begin + taken.stop, taken.step)
        else:
            found.append((size, taken))
    return found or [(1, range(1))]


def _ops(model: Any, graph: Graph, op: Op, axes: list[Axis]) -> list[Any]:
    """RESHAPE, the slice of fewer axes, RESHAPE."""
    from ai_edge_litert import schema_py_generated as schema

    subgraph, name = model.subgraphs[0], graph.label(op)
    x, y = op.inputs[0], op.outputs[0]
    sizes, counts = [size for size, _ in axes], [len(taken) for _, taken in axes]
    flat = add_tensor(subgraph, f"{name}/flat", sizes, subgraph.tensors[x])
    some = add_tensor(subgraph, f"{name}/taken", counts, subgraph.tensors[y])
    bounds = np.array([(taken.start, taken.stop, taken.step) for _, taken in axes])
    given = [add_integers(model, f"{name}/{what}", bounds[:, k]) for k, what in enumerate(("begin", "end", "strides"))]
    cut = new_op(model, SLICE, [flat, *given], some)
    cut.builtinOptionsType = schema.BuiltinOptions.StridedSliceOptions
    cut.builtinOptions = schema.StridedSliceOptionsT()
    shape = graph.tensors[y].shape
    return [
        new_reshape(model, f"{name}/flat", x, flat, sizes),
        cut,
        new_reshape(model, graph.tensors[y].name, some, y, shape),
    ]
