"""Calls that move bytes and compute nothing: the kernels `copy_s8` and `fill_s8`, shared by all ops that rearrange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops.kind import Call, Events, Kernel, Params
from tinyproof.export.ops.loops import Loops, Shape, nest, strides


@dataclass(frozen=True, eq=False)
class CopyParams(Params):
    """The members of `copy_params`."""

    c_type: ClassVar[str] = "copy_params"

    loops: Loops
    x_start: int
    y_start: int


@dataclass(frozen=True)
class FillParams(Params):
    """The members of `fill_params`."""

    c_type: ClassVar[str] = "fill_params"

    value: int
    count: int


@dataclass(frozen=True)
class View:
    """Some elements of a tensor: where the first one lies and how far apart neighbours along each axis are."""

    start: int
    steps: Sequence[int]


def whole(shape: Shape) -> View:
    """All elements in order."""
    return View(0, strides(shape))


def copy(graph: Graph, op: Op, x: int, y: int, counts: Sequence[int], source: View, target: View) -> Call:
    """y[target] = x[source], x and y being tensor indexes and `counts` the elements along each axis of both views."""
    loops = _quickest(nest(graph, op, counts, source.steps, target.steps))
    return Call(COPY, (op,), (x,), y, CopyParams(loops, source.start, target.start))


def _quickest(loops: Loops) -> Loops:
    """The same nest with that loop innermost which makes it quickest: copies may be made in any order."""
    table = loops.table

    def with_innermost(at: int) -> Loops:
        return Loops(np.concatenate([np.delete(table, at, axis=0), table[at : at + 1]]))

    def instructions(nest: Loops) -> int:  # about those of copy_s8 on a Cortex-M4
        count, *steps = nest.table[-1].tolist()
        return nest.rows * int(30 + (20 + count // 2 if steps == [1, 1] else 6 * count))

    return min(map(with_innermost, reversed(range(len(table)))), key=instructions)


def copy_all(graph: Graph, op: Op, x: int, y: int) -> Call:
    """y = x, byte for byte, whatever their shapes."""
    size = (graph.tensors[y].size,)
    return copy(graph, op, x, y, size, whole(size), whole(size))


def is_plain(call: Call, size: int) -> bool:
    """Whether a copy moves `size` bytes from the start of x in order to the start of y."""
    params = call.params
    assert isinstance(params, CopyParams)
    return (params.x_start, params.y_start, params.loops.table.tolist()) == (0, 0, [[size, 1, 1]])


def fill(op: Op, y: int, value: int, count: int) -> Call:
    """Every byte of y becomes `value`."""
    return Call(FILL, (op,), (), y, FillParams(value, count))


def events(params: CopyParams) -> Events:
    """How often it does each thing that has a price: rows, their bytes, and bytes one by one."""
    _, *steps = params.loops.table[-1].tolist()
    rows, elements = params.loops.rows, params.loops.elements
    return (rows, elements, 0) if steps == [1, 1] else (rows, 0, elements)


COPY, FILL = Kernel("copy", events=events), Kernel("fill", events=lambda params: (params.count,))
MOVE = replace(COPY, leads=lambda params: (0,))  # in order, to where x lies or before
