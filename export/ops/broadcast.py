"""How two operands of an elementwise op repeat to the shape of its output, as a nest of loops with strides.

The C side is `broadcast_loops` in `kernels.h` and `broadcast.h`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from export.c_values import ConstantTable, Field, Struct
from export.graph import Graph, Op

MAX_LOOPS = 6


@dataclass(frozen=True, eq=False)
class Broadcast:
    """The members of the C struct, and for each operand whether it has the shape of the output."""

    table: NDArray[np.int32]  # (count, 3): how often, step in a, step in b; the innermost loop last
    whole: tuple[bool, bool]

    @property
    def leads(self) -> tuple[int | None, int | None]:
        """An operand that is read byte for byte as the output is written may be overwritten by it."""
        a, b = (0 if whole else None for whole in self.whole)
        return a, b


def fold_broadcast(graph: Graph, op: Op, a: tuple[int, ...], b: tuple[int, ...], y: tuple[int, ...]) -> Broadcast:
    """The loops for operands of shape a and b; refuses an output whose shape does not follow from theirs."""
    pairs = list(zip_longest(reversed(a), reversed(b), fillvalue=1))[::-1]
    if any(m != n and 1 not in (m, n) for m, n in pairs) or y != tuple(max(pair) for pair in pairs):
        raise graph.refusal(op, f"shapes {a} and {b} do not make {y}; export the model again")
    loops: list[tuple[int, int, int]] = []
    a_stride = b_stride = 1
    for m, n in reversed(pairs):
        loop = (max(m, n), a_stride if m > 1 else 0, b_stride if n > 1 else 0)
        a_stride, b_stride = a_stride * m, b_stride * n
        if loop[0] > 1:
            _add_loop(loops, loop)
    if len(loops) > MAX_LOOPS:
        raise graph.refusal(op, f"repeating {a} and {b} to {y} takes more than {MAX_LOOPS} loops; use fewer dimensions")
    table = np.array(loops[::-1] or [(1, 1, 1)], np.int32)
    return Broadcast(table, (a_stride == _size(y), b_stride == _size(y)))


def _add_loop(loops: list[tuple[int, int, int]], outer: tuple[int, int, int]) -> None:
    """Put a loop around the others, as one with the outermost of them where the steps go on in the same way."""
    if loops:
        count, a_step, b_step = loops[-1]
        if outer[1:] == (count * a_step, count * b_step):
            loops[-1] = (outer[0] * count, a_step, b_step)
            return
    loops.append(outer)


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def emit_broadcast(broadcast: Broadcast) -> Struct:
    """The C initializer."""
    return Struct(
        "broadcast_loops",
        (Field("table", ConstantTable(broadcast.table)), Field("count", len(broadcast.table))),
    )
