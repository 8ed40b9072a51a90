"""Calls that compute a function of one byte, as one lookup: x * logistic(x), less a constant, one after the other.

What an op makes of single bytes, its kernel says (`Kernel.of_bytes`); a table of all 256 is the op, whatever its kernel
would have computed at run time. So it is exact, and half of a swish is neither computed nor stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import Graph
from tinyproof.export.ops import lookup
from tinyproof.export.ops.floats import UNDEFINED
from tinyproof.export.ops.kind import Call
from tinyproof.export.ops.lookup import BYTES, LookupParams

Table = NDArray[np.int64]  # (256,): what -128 becomes, what -127 becomes, ...
IDENTITY = np.array(BYTES)
Tables = dict[int, Table]  # a tensor as functions of those that it follows from, itself first


def with_lookups(graph: Graph, calls: Sequence[Call], root: Mapping[int, int]) -> tuple[Call, ...]:
    """The same computation, with a lookup wherever one tensor decides alone. root: of each tensor whose bytes it is."""
    kept = {root[index] for index in graph.outputs}
    found: list[Call] = []
    functions: dict[int, Tables] = {}
    for call in calls:
        origin, table = _of_one_tensor(graph, call, root, functions) or (None, IDENTITY)
        y = root[call.y]
        functions[y] = {y: IDENTITY}
        if origin is not None:
            table = _defined(graph, call, table, _tables(functions, origin))
            functions[y] |= {index: table[t + 128] for index, t in _tables(functions, origin).items()}
            params = LookupParams(table.astype(np.int8), graph.tensors[call.y].size)
            call = replace(call, kernel=lookup.KERNEL, xs=(origin,), params=params)
        found.append(call)
    return _joined(_read(calls, found, root, kept), root, kept)


def _defined(graph: Graph, call: Call, table: Table, origins: Tables) -> Table:
    """The table with any byte where TFLM's result is undefined: refused, unless its origin never is such a byte."""
    undefined = table == UNDEFINED
    *_, reached = origins.values()  # of all origins, what the farthest one makes
    if np.any(undefined & np.isin(IDENTITY, reached)):
        why = "gives no number, or one too large for 32 bits, for some of its inputs, where TFLM's result is undefined"
        raise graph.refusal(call.ops[0], f"it {why}; limit its input before")
    return np.where(undefined, 0, table)


def _tables(functions: Mapping[int, Tables], index: int) -> Tables:
    return functions.get(index, {index: IDENTITY})


def _of_one_tensor(
    graph: Graph, call: Call, root: Mapping[int, int], functions: Mapping[int, Tables]
) -> tuple[int, Table] | None:
    """The nearest tensor of which the call's output is a function byte by byte, and the function."""
    kernel = call.kernel
    if kernel.of_bytes is None or kernel.leads is None:
        return None
    operands: list[Tables | Table] = []
    for index, lead in zip(call.xs, kernel.leads(call.params), strict=True):
        data = graph.tensors[index].data
        if data is not None and np.all(data == data.flat[0]):
            operands.append(np.full(256, int(data.flat[0])))
        elif data is None and lead == 0 and not graph.tensors[index].is_variable:
            operands.append(_tables(functions, root[index]))
        else:
            return None
    computed = [operand for operand in operands if isinstance(operand, dict)]
    nearest = computed[0] if computed else {}
    origin = next((index for index in nearest if all(index in other for other in computed)), None)
    if origin is None:
        return None
    columns = [operand[origin] if isinstance(operand, dict) else operand for operand in operands]
    of_bytes = kernel.of_bytes(call.params)
    return origin, np.array([of_bytes(*map(int, row)) for row in zip(*columns, strict=True)])


def _read(calls: Sequence[Call], found: list[Call], root: Mapping[int, int], kept: set[int]) -> list[Call]:
    """Without the lookups that no later call reads any more. Their ops become part of one that read them in `calls`."""
    read = set(kept)
    left: dict[int, Call] = {}
    part_of: dict[int, int] = {}
    for place in reversed(range(len(found))):
        call, y = found[place], root[found[place].y]
        readers = (k for k in range(place + 1, len(calls)) if y in map(root.get, calls[k].xs))
        reader = None if y in read or call.kernel is not lookup.KERNEL else next(readers, None)
        if reader is None:
            left[place] = call
            read.update(root[index] for index in call.xs)
        else:
            owner = part_of[place] = part_of.get(reader, reader)
            left[owner] = replace(left[owner], ops=call.ops + left[owner].ops)
    return [left[place] for place in sorted(left)]


def _joined(calls: Sequence[Call], root: Mapping[int, int], kept: set[int]) -> tuple[Call, ...]:
    """Of two lookups one after the other, the first of which nobody else reads, one."""
    readers = Counter(root[index] for call in calls for index in call.xs)
    found: dict[int, Call] = {}  # by their place
    lookups: dict[int, Call] = {}  # by what they make
    for place, call in enumerate(calls):
        if isinstance(call.params, LookupParams):
            x = root[call.xs[0]]
            before = lookups.get(x)
            if before and x not in kept and readers[x] == 1:
                call = _one_after_the_other(before, call)
                found = {k: other for k, other in found.items() if other is not before}
            lookups[root[call.y]] = call
        found[place] = call
    return tuple(found.values())


def _one_after_the_other(first: Call, second: Call) -> Call:
    assert isinstance(first.params, LookupParams) and isinstance(second.params, LookupParams)
    table = second.params.table[first.params.table.astype(np.int64) + 128]
    return replace(first, ops=first.ops + second.ops, y=second.y, params=replace(second.params, table=table))
