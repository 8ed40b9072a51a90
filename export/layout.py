"""Where everything lies: inputs and outputs in the caller's memory, the rest in the arena, constants in flash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from tinyproof.export.graph import Graph, Tensor
from tinyproof.export.memory_plan import IN_PLACE, Lifetime, bytes_needed, plan_memory
from tinyproof.export.ops.kind import Call


class Place(Enum):
    """Whose memory a buffer is."""

    INPUT = "input"  # the caller's, read only
    OUTPUT = "output"  # the caller's
    ARENA = "arena"
    CONSTANT = "constant"  # the bytes of a constant tensor, in flash


@dataclass(frozen=True)
class Buffer:
    """Bytes that steps write and later ones read; tensors that are reshapes of each other share one."""

    place: Place
    size_bytes: int
    offset: int  # in bytes within the place; of a constant, the index of its tensor


@dataclass(frozen=True)
class Layout:
    """Where everything lies: root tensors by their index, scratch by the place of its call."""

    tensors: dict[int, Buffer]
    scratch: dict[int, Buffer]
    arena_bytes: int


def lay_out(graph: Graph, calls: Sequence[Call], root: Mapping[int, int]) -> Layout:
    """Places for everything: inputs and outputs in the caller's memory, the rest in the arena."""
    in_arena, scratch, asked = _asked(graph, calls, root)
    plan = plan_memory(asked)
    placed = [Buffer(Place.ARENA, life.size, at) for life, at in zip(asked, plan.offsets, strict=True)]
    tensors = {tensor.index: Buffer(Place.CONSTANT, tensor.size, tensor.index) for tensor in graph.tensors}
    tensors |= dict(zip(in_arena, placed, strict=False))
    tensors |= one_after_the_other(Place.INPUT, [graph.tensors[index] for index in graph.inputs])
    tensors |= one_after_the_other(Place.OUTPUT, [graph.tensors[root[index]] for index in graph.outputs])
    return Layout(tensors, dict(zip(scratch, placed[len(in_arena) :], strict=True)), plan.arena_bytes)


def arena_bytes(graph: Graph, calls: Sequence[Call], root: Mapping[int, int]) -> int:
    """How large the arena is in which `lay_out` lays them out."""
    *_, asked = _asked(graph, calls, root)
    return plan_memory(asked).arena_bytes


def needs(graph: Graph, calls: Sequence[Call], root: Mapping[int, int]) -> list[int]:
    """How many bytes of the arena each call needs at least."""
    *_, asked = _asked(graph, calls, root)
    return [bytes_needed(asked, place) for place in range(len(calls))]


def _asked(graph: Graph, calls: Sequence[Call], root: Mapping[int, int]) -> tuple[list[int], list[int], list[Lifetime]]:
    """The root tensors in the arena, the places of the calls with scratch, and the buffers of both in that order."""
    lives, scratch = lifetimes(graph, calls, root), _scratch(calls)
    outputs = {root[index] for index in graph.outputs}
    in_arena = {index: place for place, index in enumerate(index for index in lives if index not in outputs)}
    over = _overwriting(calls, root, lives)
    asked = [
        replace(lives[y], over=tuple((in_arena[x], lead) for x, lead in over.get(y, {}).items() if x in in_arena))
        for y in in_arena
    ]
    return list(in_arena), list(scratch), [*asked, *scratch.values()]


def one_after_the_other(place: Place, tensors: Sequence[Tensor]) -> dict[int, Buffer]:
    """Buffers in the caller's memory, without gaps."""
    found, offset = {}, 0
    for tensor in tensors:
        found[tensor.index] = Buffer(place, tensor.size, offset)
        offset += tensor.size
    return found


def lifetimes(graph: Graph, calls: Sequence[Call], root: Mapping[int, int]) -> dict[int, Lifetime]:
    """From which call to which every root tensor computed by one is needed."""
    lives: dict[int, Lifetime] = {}
    for place, call in enumerate(calls):
        y = root[call.y]
        lives.setdefault(y, Lifetime(graph.tensors[y].size, place, place))
        for needed in {y, *(root[x] for x in call.xs)} & set(lives):
            lives[needed] = replace(lives[needed], last=place)
    return lives


def _scratch(calls: Sequence[Call]) -> dict[int, Lifetime]:
    """The scratch memory of every call whose kernel takes some, by the call's place."""
    return {
        place: Lifetime(call.kernel.scratch_bytes(call.params), place, place)
        for place, call in enumerate(calls)
        if call.kernel.scratch_bytes is not None
    }


def _overwriting(
    calls: Sequence[Call], root: Mapping[int, int], lives: Mapping[int, Lifetime]
) -> dict[int, dict[int, int]]:
    """For each root tensor those it may overwrite, and how many bytes before each of them it has to begin."""
    found: dict[int, dict[int, int]] = {}
    for place, call in enumerate(calls):
        y = root[call.y]
        if call.kernel.leads is None or lives[y].first != place:
            continue
        leads: dict[int, int] = {}
        barred = set()
        for x, lead in zip((root[x] for x in call.xs), call.kernel.leads(call.params), strict=True):
            if lead is None or x not in lives or lives[x].last != place:
                barred.add(x)
                continue
            both = lead, leads.get(x, lead)
            if min(both) == IN_PLACE < 0 < max(both):  # an operand twice, and no place suits both
                barred.add(x)
            leads[x] = IN_PLACE if IN_PLACE in both else max(both)
        found[y] = {x: lead for x, lead in leads.items() if x not in barred}
    return found
