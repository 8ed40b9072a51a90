"""Layers that are computed together, some rows at a time, so that the images between them are never whole in memory.

A chain of layers goes through its last output from top to bottom, in bands of rows. Each layer before it makes the rows
that those after it see and that are not there yet; what the next band sees again stays. Nothing is computed twice, and
each call is the layer's own kernel on fewer rows, so the bytes are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from tinyproof.export.by_rows import ByRows, Bytes, Rows, by_rows, row_bytes
from tinyproof.export.graph import Graph, Tensor
from tinyproof.export.memory_plan import aligned
from tinyproof.export.ops.kind import Call, Choice
from tinyproof.optimize import Optimize


class Layer:
    """One layer of a chain, of several calls where each makes a part of the same image."""

    def __init__(self, choices: Sequence[Choice], graph: Graph, optimize: Optimize) -> None:
        self.calls = [choice.call for choice in choices]
        self.y = graph.tensors[choices[0].call.y]
        self.xs = [[graph.tensors[x] for x in call.xs] for call in self.calls]
        self._choices, self._optimize = choices, optimize
        self._made: dict[tuple[int, ...], list[Call] | None] = {}

    @cached_property
    def _by_rows(self) -> list[ByRows] | None:
        """How each of its calls goes through the images."""
        images = [self.y, *(x for xs in self.xs for x in xs)]
        if any(len(x.shape) != 4 or x.shape[0] != 1 or x.data is not None for x in images):
            return None
        found = [
            by_rows(choice, xs[0], self.y) if xs else None for choice, xs in zip(self._choices, self.xs, strict=True)
        ]
        return [one for one in found if one] if all(found) else None

    @property
    def goes_by_rows(self) -> bool:
        """Whether it can be part of a chain; what follows holds for such a layer alone."""
        return self._by_rows is not None

    def reads(self, rows: Rows) -> Rows:
        """Which rows of each x some rows of y need."""
        assert self._by_rows
        return self._by_rows[0].seen(rows)

    def of(self, rows: Rows) -> list[Call] | None:
        """The calls that make these rows of y of those that they need; None where a kernel does not take that."""
        assert self._by_rows
        parts = [one.part(rows) for one in self._by_rows]
        key = tuple(map(id, parts))
        if key not in self._made:
            made = [
                part and choice.fitted(replace(choice.plain, params=part[0]), part[1], self._optimize)
                for choice, part in zip(self._choices, parts, strict=True)
            ]
            self._made[key] = [call for call in made if call] if all(made) else None
        return self._made[key]

    @property
    def follows(self) -> bool:
        """Whether it never writes a byte of y before it has read that of each x."""
        assert self._by_rows
        leads = [call.kernel.leads and call.kernel.leads(call.params) for call in self.calls]
        return all(isinstance(one, Bytes) for one in self._by_rows) and all(each and set(each) == {0} for each in leads)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Which rows each layer of a chain computes in each band, and which of them stay for the next one."""

    done: Sequence[Sequence[int]]  # (bands + 1, layers): how many rows there are before each band, and at the end
    needed: Sequence[Sequence[int]]  # (bands, layers): the first row that is read in that band or later

    def capacity(self, layer: int) -> int:
        """How many rows of a layer there are at most at a time."""
        return max(done[layer] - first[layer] for done, first in zip(self.done[1:], self.needed, strict=True))


class Chain:
    """Layers one after the other, where only the last one's output is read by others.

    root: for every tensor, the one whose bytes it is.
    """

    def __init__(self, layers: Sequence[Layer], root: Mapping[int, int]) -> None:
        self.layers, self._root = layers, root
        self._makers = {root[layer.y.index]: place for place, layer in enumerate(layers)}
        self._rows = [layer.y.shape[1] for layer in layers]
        self._readings = [
            (self.maker(x), place, x) for place, layer in enumerate(layers) for xs in layer.xs for x in xs
        ]

    def maker(self, x: Tensor) -> int | None:
        """Which of the layers computes a tensor, if one does."""
        return self._makers.get(self._root[x.index])

    @cached_property
    def readers(self) -> list[list[int]]:
        """By layer, those that read what it computes."""
        return [
            sorted({reader for maker, reader, _ in self._readings if maker == place})
            for place in range(len(self.layers))
        ]

    @cached_property
    def whole(self) -> tuple[Tensor, ...]:
        """What it reads and does not compute, each tensor once."""
        return tuple({self._root[x.index]: x for maker, _, x in self._readings if maker is None}.values())

    @cached_property
    def is_sound(self) -> bool:
        """Whether each layer but the last is read by a later one, as the image that it writes."""
        inner = [(maker, reader, x) for maker, reader, x in self._readings if maker is not None]
        as_written = all(maker < reader and self.layers[maker].y.shape == x.shape for maker, reader, x in inner)
        return as_written and all(self.readers[:-1])

    def schedule(self, height: int, step: int) -> Schedule:
        """Bands of `height` rows of the last layer; the others make a multiple of `step` rows where they can."""
        last = len(self.layers) - 1
        done = [[0] * (last + 1)]
        for end in range(height, self._rows[last] + height, height):
            there = [0] * last + [min(end, self._rows[last])]
            for place in reversed(range(last)):
                seen = max(self.layers[reader].reads((0, there[reader]))[1] for reader in self.readers[place])
                there[place] = max(min(-(-seen // step) * step, self._rows[place]), done[-1][place])
            done.append(there)
        return Schedule(done, [self._first_needed(there, done[-1]) for there in done[:-1]])

    def _first_needed(self, done: Sequence[int], end: Sequence[int]) -> list[int]:
        """The first row of each layer that others still read when so many rows of each are done: of a reader itself
        those that nobody reads are not made.
        """
        first = list(done)
        for place in reversed(range(len(done) - 1)):
            following = {reader: max(done[reader], first[reader]) for reader in self.readers[place]}
            seen = (self._sees(reader, row) for reader, row in following.items() if row < end[reader])
            first[place] = min(seen, default=done[place])
        return first

    def _sees(self, reader: int, row: int) -> int:
        return self.layers[reader].reads((row, row + 1))[0]

    def kept_bytes(self, schedule: Schedule) -> list[int]:
        """Bytes of the rows that are there of each layer but the last."""
        return [aligned(schedule.capacity(k) * row_bytes(layer.y)) for k, layer in enumerate(self.layers[:-1])]

    def leads(self, schedule: Schedule) -> tuple[int, ...]:
        """How many bytes before each of `whole` the output has to begin where it overwrites it."""
        return tuple(max((0, *self._leads_over(x, schedule))) for x in self.whole)

    def _leads_over(self, x: Tensor, schedule: Schedule) -> Iterator[int]:
        """What each row of x asks for that is still to be read when a band has been written."""
        last, end = len(self.layers) - 1, schedule.done[-1]
        same = [reader for _, reader, other in self._readings if self._root[other.index] == self._root[x.index]]
        for before, after in pairwise(schedule.done):
            unread = [self._sees(reader, after[reader]) for reader in same if after[reader] < end[reader]]
            if last in same and not self.layers[last].follows:
                unread.append(self._sees(last, before[last]))
            written = after[last] * row_bytes(self.layers[last].y)
            yield from (written - row * row_bytes(x) for row in unread)
