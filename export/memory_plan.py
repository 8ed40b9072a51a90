"""Where each buffer lies in the arena, so that buffers alive at the same time never overlap and the arena is small.

Placing buffers one by one, each at the lowest free place, gives the smallest possible arena for at least one order of
placing them. So few buffers are tried in every order; many in the orders that usually do well, then in small changes of
the best of those.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

ALIGNMENT = 4  # bytes; a kernel may load words
IN_PLACE = -1  # a lead: begin exactly where the other one does, or do not overwrite it
EXHAUSTIVE_BUFFERS = 7
IMPROVEMENTS = 300  # tries for more buffers than that
COMPARISONS = 400_000  # of two buffers in all those tries, so that hundreds of buffers take seconds


@dataclass(frozen=True)
class Lifetime:
    """A buffer of `size` bytes, needed from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int
    over: tuple[tuple[int, int], ...] = ()  # (buffer, lead): those it may overwrite, beginning `lead` bytes before them

    def overlaps(self, other: Lifetime) -> bool:
        """Whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last

    def saved_over(self, other: Lifetime, lead: int) -> int:
        """How many bytes fewer both take, at most, where it overwrites the other one with that lead."""
        return max(min(aligned(self.size) - aligned(max(lead, 0)), aligned(other.size)), 0)


@dataclass(frozen=True)
class MemoryPlan:
    """Byte offsets in the order of the buffers asked for, each a multiple of `ALIGNMENT`; and the arena's size."""

    offsets: tuple[int, ...]
    arena_bytes: int


def plan_memory(buffers: Sequence[Lifetime]) -> MemoryPlan:
    """Place all buffers. The arena is as small as possible for up to seven buffers, and for a chain of any length.

    `over` holds indexes into `buffers`: such a buffer is read from its start to its end in the one step in which both
    are needed, while this one is written, so that it never catches up when it begins `lead` bytes earlier. With
    `IN_PLACE` for a lead it is computed bit by bit where the other one lies.
    """
    return _planned(tuple(buffers))


@lru_cache(maxsize=64)  # a program is laid out while its kernels are chosen, too
def _planned(buffers: tuple[Lifetime, ...]) -> MemoryPlan:
    bound = _lower_bound(buffers)
    best_order: Sequence[int] = ()
    best: MemoryPlan | None = None
    for order in _orders(buffers):
        plan = _place(buffers, order)
        if best is None or plan.arena_bytes < best.arena_bytes:
            best_order, best = order, plan
        if best.arena_bytes == bound:
            return best
    assert best is not None  # there is at least one order, if only that of no buffers
    return best if len(buffers) <= EXHAUSTIVE_BUFFERS else _improve(buffers, best_order, best, bound)


def bytes_needed(buffers: Sequence[Lifetime], step: int) -> int:
    """How many bytes the buffers take at least that are needed at a step."""
    alive = {index: buffer for index, buffer in enumerate(buffers) if buffer.first <= step <= buffer.last}
    saved = [
        max((buffer.saved_over(alive[other], lead) for other, lead in buffer.over if other in alive), default=0)
        for buffer in alive.values()
    ]
    return sum(aligned(buffer.size) for buffer in alive.values()) - sum(saved)


def _improve(buffers: Sequence[Lifetime], order: Sequence[int], best: MemoryPlan, bound: int) -> MemoryPlan:
    """Place a buffer that reaches to the arena's end earlier, or swap two, again and again, and keep what is not worse.

    The same every time.
    """
    choices = random.Random(0)
    for _ in range(min(IMPROVEMENTS, COMPARISONS // len(order) ** 2)):
        changed = list(order)
        if choices.random() < 0.5:
            ends = (best.offsets[index] + aligned(buffers[index].size) for index in order)
            place = choices.choice([k for k, end in enumerate(ends) if end == best.arena_bytes])
            changed.insert(choices.randrange(place + 1), changed.pop(place))
        else:
            a, b = choices.sample(range(len(order)), 2)
            changed[a], changed[b] = changed[b], changed[a]
        plan = _place(buffers, changed)
        if plan.arena_bytes <= best.arena_bytes:
            order, best = changed, plan
        if best.arena_bytes == bound:
            break
    return best


def aligned(size: int) -> int:
    """The least multiple of `ALIGNMENT` that holds so many bytes."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def _lower_bound(buffers: Sequence[Lifetime]) -> int:
    """The most bytes needed at any one step."""
    return max((bytes_needed(buffers, buffer.first) for buffer in buffers), default=0)


def _orders(buffers: Sequence[Lifetime]) -> Iterable[Sequence[int]]:
    indexes = range(len(buffers))
    rank = {index: place for place, index in enumerate(sorted(indexes, key=lambda i: buffers[i].first))}
    yield sorted(indexes, key=lambda i: (rank[i] % 2, -buffers[i].size))  # a chain: every other one at the bottom
    yield sorted(indexes, key=lambda i: (-buffers[i].size, buffers[i].first))
    yield sorted(indexes, key=lambda i: (-buffers[i].size * (buffers[i].last - buffers[i].first + 1), buffers[i].first))
    yield sorted(indexes, key=lambda i: (buffers[i].first - buffers[i].last, -buffers[i].size))
    yield sorted(indexes, key=lambda i: (buffers[i].first, -buffers[i].size))
    yield sorted(indexes, key=lambda i: (-buffers[i].last, -buffers[i].size))
    if len(buffers) <= EXHAUSTIVE_BUFFERS:
        yield from permutations(indexes)


def _place(buffers: Sequence[Lifetime], order: Sequence[int]) -> MemoryPlan:
    """Each buffer in turn at the lowest place that is free during its lifetime."""
    offsets: dict[int, int] = {}
    for index in order:
        # Of each buffer in the way: up to where this one may begin before it, from where on behind it, and where else.
        barred = [
            (
                offset - _room(buffers, index, other),
                offset + _room(buffers, other, index),
                offset if _coincide(buffers, index, other) else None,
            )
            for other, offset in offsets.items()
            if buffers[other].overlaps(buffers[index])
        ]
        places = sorted({0, *(behind for _, behind, _ in barred), *(at for *_, at in barred if at is not None)})
        offsets[index] = next(
            place
            for place in places
            if all(place <= before or place >= behind or place == at for before, behind, at in barred)
        )
    arena = max((offset + aligned(buffers[index].size) for index, offset in offsets.items()), default=0)
    return MemoryPlan(tuple(offsets[index] for index in range(len(buffers))), arena)


def _room(buffers: Sequence[Lifetime], lower: int, upper: int) -> int:
    """How many bytes after `lower` begins `upper` may begin, where it lies above."""
    for index, lead in buffers[lower].over:
        if index == upper and lead != IN_PLACE:
            return aligned(lead)
    return aligned(buffers[lower].size)


def _coincide(buffers: Sequence[Lifetime], a: int, b: int) -> bool:
    """Whether one of them may be computed in the place of the other."""
    return (b, IN_PLACE) in buffers[a].over or (a, IN_PLACE) in buffers[b].over
