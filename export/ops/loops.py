"""Nests of loops over two tensors, with the steps that each takes: repeated operands, axes in another order, slices.

The C side is `loop_nest` in `kernels.h` and `loops.h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import prod
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.graph import Graph, Op

MAX_LOOPS = 6
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Loops(CStruct):
    """A nest: how often, step in a, step in b of each loop, the innermost last."""

    c_type: ClassVar[str] = "loop_nest"
    members: ClassVar[tuple[str, ...]] = ("table", "count")

    table: NDArray[np.int32]  # (loops, 3)

    @property
    def count(self) -> int:
        """How many loops."""
        return len(self.table)

    @property
    def elements(self) -> int:
        """How many are visited."""
        return int(self.table[:, 0].prod())

    @property
    def rows(self) -> int:
        """How often the innermost loop starts."""
        return int(self.table[:-1, 0].prod())

    def swapped(self) -> Loops:
        """With b in the place of a."""
        return Loops(np.ascontiguousarray(self.table[:, [0, 2, 1]]))


def strides(shape: Shape) -> Shape:
    """How many elements apart neighbours along each axis are.

    >>> strides((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def nest(graph: Graph, op: Op, counts: Sequence[int], a_steps: Sequence[int], b_steps: Sequence[int]) -> Loops:
    """The loops for `counts` iterations along each axis, outermost first; neighbours that can be one become one."""
    loops: list[tuple[int, int, int]] = []
    for count, a_step, b_step in zip(counts, a_steps, b_steps, strict=True):
        if count == 1:
            continue
        if loops and loops[-1][1:] == (count * a_step, count * b_step):
            loops[-1] = (loops[-1][0] * count, a_step, b_step)
        else:
            loops.append((count, a_step, b_step))
    if len(loops) > MAX_LOOPS:
        raise graph.refusal(op, f"it takes {len(loops)} loops, more than {MAX_LOOPS}; use fewer dimensions")
    return Loops(np.array(loops or [(1, 1, 1)], np.int32))


def broadcast(graph: Graph, op: Op, a: Shape, b: Shape, y: Shape) -> Loops:
    """The elements of y in order, for operands of shape a and b; refuses a y that does not follow from theirs."""
    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]
    if any(m != n and 1 not in (m, n) for m, n in pairs) or y != tuple(max(pair) for pair in pairs):
        raise graph.refusal(op, f"shapes {a} and {b} do not make {y}; export the model again")
    whole = tuple(zip(*pairs, strict=True)) or ((), ())
    steps = [[step if size > 1 else 0 for size, step in zip(s, strides(s), strict=True)] for s in whole]
    return nest(graph, op, y, *steps)


class Looped(Protocol):
    """The params of a kernel of two operands that repeat."""

    @property
    def loops(self) -> Loops:
        """The elements of y in order."""


def broadcast_leads(params: Looped) -> tuple[int | None, int | None]:
    """How many bytes before each operand the output has to begin where it overwrites it.

    One that is read in the order of y may be y.
    """
    counts, *steps = params.loops.table.T
    a, b = (0 if np.array_equal(of_one, strides(tuple(counts))) else None for of_one in steps)
    return a, b


def broadcast_events(params: Looped) -> tuple[int, int]:
    """How often a fast kernel does each thing that has a price: rows, elements."""
    return params.loops.rows, params.loops.elements
