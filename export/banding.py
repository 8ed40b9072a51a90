"""Which layers are computed together in bands of rows (`bands.py`), and their calls with places in memory.

Where most memory is needed, the chain and the height of its bands are sought that need least there; and again, until
nothing helps. It is kept where enough is saved for next to no time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, islice, pairwise

import numpy as np

from tinyproof.cores import Core
from tinyproof.export.bands import Chain, Layer, Schedule
from tinyproof.export.by_rows import Rows, row_bytes
from tinyproof.export.cost import call_cycles
from tinyproof.export.graph import Graph, Tensor
from tinyproof.export.layout import lifetimes, needs
from tinyproof.export.memory_plan import Lifetime, aligned
from tinyproof.export.ops.copy import MOVE, CopyParams
from tinyproof.export.ops.kind import Call, Choice, Kernel, Params
from tinyproof.export.ops.loops import Loops
from tinyproof.optimize import Optimize

HEIGHTS, STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), (1, 2, 4)  # rows of a band; kernels make rows by twos and fours
MOST_BANDS, MOST_LAYERS = 12, 12
TRIED, COMPARED = 40, 4  # chains that are made, of those that need least; and among which the quickest is taken
WORTH_BYTES, WORTH_SHARE = 2048, 0.1  # of the arena, to be saved at least
MOST_TIME = {Optimize.BALANCED: 1.02, Optimize.SMALL: 1.1}  # of that without bands


@dataclass(frozen=True)
class At:
    """Where an argument of a call lies: in a tensor that is whole, or in the scratch of its chain."""

    tensor: int | None  # its root; None: the scratch
    offset: int  # bytes
    size_bytes: int


@dataclass(frozen=True, eq=False)
class BandCall:
    """One call of a band, and where its arguments lie."""

    call: Call
    y: At
    xs: tuple[At, ...]
    scratch: At | None
    row: int = 0  # of y, the first that it makes


@dataclass(frozen=True, eq=False)
class BandsParams(Params):
    """The calls of a chain, for which one stands until everything has its place."""

    calls: tuple[BandCall, ...]
    scratch_bytes: int
    leads: tuple[int, ...]


BANDS = Kernel("bands", lambda params: params.scratch_bytes, lambda params: params.leads)


@dataclass(frozen=True, eq=False)
class Candidate:
    """Layers [first, last] as a chain, and how many bytes are needed while it runs."""

    chain: Chain
    schedule: Schedule
    first: int
    last: int
    need: int


@dataclass(frozen=True, eq=False)
class Unit:
    """Layers [first, last]: their calls, or one for all of them."""

    first: int
    last: int
    calls: tuple[Call, ...]
    cycles: int


class Banding:
    """The search for chains in a program."""

    def __init__(
        self, graph: Graph, choices: Sequence[Choice], root: Mapping[int, int], core: Core, optimize: Optimize
    ) -> None:
        self._graph, self._root, self._core, self._optimize = graph, root, core, optimize
        groups = [list(group) for _, group in groupby(choices, _image_of)]
        self._layers = [Layer(group, graph, optimize) for group in groups]
        self.units = [
            Unit(k, k, tuple(layer.calls), sum(map(self._cycles, layer.calls))) for k, layer in enumerate(self._layers)
        ]
        self._most_cycles = int(MOST_TIME[optimize] * sum(unit.cycles for unit in self.units))
        self._known: dict[tuple[int, int], tuple[Candidate, ...]] = {}
        self._outside = {root[index] for index in (*graph.outputs, *graph.inputs)}  # in the caller's memory
        layer_of = [k for k, group in enumerate(groups) for _ in group]
        self._lives = {
            index: replace(life, first=layer_of[life.first], last=layer_of[life.last])
            for index, life in lifetimes(graph, self.calls, root).items()
        }

    @property
    def calls(self) -> tuple[Call, ...]:
        """What is computed now, in order."""
        return tuple(call for unit in self.units for call in unit.calls)

    def improve(self) -> bool:
        """Need less where most is needed; False where nothing helps."""
        of_calls = iter(needs(self._graph, self.calls, self._root))
        needed = [max(next(of_calls) for _ in unit.calls) for unit in self.units]
        most = max(needed)
        place = needed.index(most)
        enough = max(needed[:place] + needed[place + 1 :], default=0)
        found = sorted(self.candidates(self.units[place], most), key=lambda each: each.need)
        made = ((each.need, unit) for each in found[:TRIED] if (unit := self.joined(each)))
        few = list(islice(made, COMPARED))
        if not few:
            return False
        _, unit = min(few, key=lambda each: (max(each[0], enough), each[1].cycles))
        self.take(unit)
        return True

    def take(self, unit: Unit) -> None:
        """Have a chain in the place of its layers."""
        before = [other for other in self.units if other.last < unit.first]
        self.units = [*before, unit, *(other for other in self.units if other.first > unit.last)]

    def candidates(self, at: Unit, most: int) -> Iterator[Candidate]:
        """Chains around a unit that need less than the most, which never grows from one time to the next."""
        for span in self._spans(at):
            if span not in self._known:
                self._known[span] = tuple(self._chains(*span, most))
            yield from (each for each in self._known[span] if each.need < most)

    def _chains(self, first: int, last: int, most: int) -> Iterator[Candidate]:
        """Some layers as a chain, in bands of every height that needs less than the most."""
        chain = Chain(self._layers[first : last + 1], self._root)
        if not chain.is_sound or not self._is_private(chain, first, last):
            return
        scratch = max(_scratch_bytes(call) for layer in chain.layers for call in layer.calls)
        rows = chain.layers[-1].y.shape[1]
        for height in (height for height in HEIGHTS if height < rows <= MOST_BANDS * height):
            schedules = [chain.schedule(height, step) for step in STEPS]
            needed = [self._need(chain, schedule, first, last) + scratch for schedule in schedules]
            if min(needed) >= most:  # higher bands need more
                return
            for need, schedule in zip(needed, schedules, strict=True):
                yield Candidate(chain, schedule, first, last, need)

    def _spans(self, at: Unit) -> Iterator[tuple[int, int]]:
        """Layers around a unit that go by rows, from the first to the last, and leave no unit in two."""

        def go_by_rows(first: int, last: int) -> bool:
            return all(layer.goes_by_rows for layer in self._layers[first : last + 1])

        firsts = [unit.first for unit in self.units if unit.first <= at.first and go_by_rows(unit.first, at.last)]
        lasts = [unit.last for unit in self.units if unit.last >= at.last and go_by_rows(at.last, unit.last)]
        spans = ((first, last) for first in reversed(firsts) for last in lasts)
        yield from (span for span in spans if 0 < span[1] - span[0] < MOST_LAYERS)

    def _is_private(self, chain: Chain, first: int, last: int) -> bool:
        """Whether nobody else reads what its layers but the last compute, and nobody else writes it."""
        inner = [self._root[layer.y.index] for layer in chain.layers]
        lives = [self._lives[index] for index in inner]
        own = all(first <= life.first and life.last <= last for life in lives[:-1]) and lives[-1].first == last
        return own and self._outside.isdisjoint(inner[:-1]) and len(set(inner)) == len(inner)

    def _need(self, chain: Chain, schedule: Schedule, first: int, last: int) -> int:
        """Bytes needed while it runs, without the scratch of its kernels."""
        inner = {self._root[layer.y.index] for layer in chain.layers[:-1]}
        alive = sum(
            aligned(life.size)
            for index, life in self._lives.items()
            if index not in inner | self._outside and life.first <= last and first <= life.last
        )
        y = Lifetime(chain.layers[-1].y.size, last, last)
        saved = [
            y.saved_over(self._lives[self._root[x.index]], lead)
            for x, lead in zip(chain.whole, chain.leads(schedule), strict=True)
            if self._root[x.index] not in self._outside and self._lives[self._root[x.index]].last <= last
        ]
        over = 0 if self._root[chain.layers[-1].y.index] in self._outside else max(saved, default=0)
        return alive - over + sum(chain.kept_bytes(schedule))

    def joined(self, candidate: Candidate) -> Unit | None:
        """The layers of a chain as one call; None where a kernel does not take a part, or it takes too long."""
        chain, schedule, first, last = candidate.chain, candidate.schedule, candidate.first, candidate.last
        made = list(_band_calls(chain, schedule, self._root))
        calls = [each for each in made if each]
        cycles = sum(self._cycles(each.call) for each in calls)
        others = sum(unit.cycles for unit in self.units if unit.last < first or unit.first > last)
        if len(calls) < len(made) or cycles + others > self._most_cycles:
            return None
        scratch = sum(chain.kept_bytes(schedule)) + max(_scratch_bytes(each.call) for each in calls)
        params = BandsParams(tuple(calls), scratch, chain.leads(schedule))
        ops = tuple(op for layer in chain.layers for call in layer.calls for op in call.ops)
        call = Call(BANDS, ops, tuple(x.index for x in chain.whole), chain.layers[-1].y.index, params)
        return Unit(first, last, (call,), cycles)

    def _cycles(self, call: Call) -> int:
        return call_cycles(call, self._core) if call.kernel.events else 0


def _scratch_bytes(call: Call) -> int:
    return call.kernel.scratch_bytes(call.params) if call.kernel.scratch_bytes else 0


def _image_of(choice: Choice) -> int:
    """What tells the calls of one layer from those of others: the image that they make a part of."""
    return choice.call.y


def _band_calls(chain: Chain, schedule: Schedule, root: Mapping[int, int]) -> Iterator[BandCall | None]:
    """The calls of all bands, their scratch behind the rows that are kept; None for what a kernel does not take."""
    starts = list(accumulate(chain.kept_bytes(schedule), initial=0))
    last = len(chain.layers) - 1
    needed = [schedule.needed[0], *schedule.needed]

    def rows_at(image: Tensor, rows: Rows, band: int) -> At:
        place, each = chain.maker(image), row_bytes(image)
        size = (rows[1] - rows[0]) * each
        if place is None or place == last:
            return At(root[image.index], rows[0] * each, size)
        return At(None, starts[place] + (rows[0] - schedule.needed[band][place]) * each, size)

    for band, (before, after) in enumerate(pairwise(schedule.done)):
        for place, layer in enumerate(chain.layers):
            moved = needed[band + 1][place] - needed[band][place]
            stays = needed[band + 1][place], before[place]
            if place != last and moved > 0 and stays[0] < stays[1]:
                yield _move(layer, rows_at(layer.y, stays, band), moved * row_bytes(layer.y))
            rows = max(before[place], needed[band + 1][place]), after[place]  # windows may leave rows out
            if rows[0] >= rows[1]:
                continue
            y, seen = rows_at(layer.y, rows, band), layer.reads(rows)
            calls = layer.of(rows)
            if calls is None:
                yield None
                return
            for call, xs in zip(calls, layer.xs, strict=True):
                size = _scratch_bytes(call)
                scratch = At(None, starts[-1], size) if size else None
                yield BandCall(call, y, tuple(rows_at(x, seen, band) for x in xs), scratch, rows[0])


def _move(layer: Layer, to: At, distance: int) -> BandCall:
    """Rows that stay go to the start of their place, so many at a time that they never overlap where they come from."""
    count, row = to.size_bytes // row_bytes(layer.y), row_bytes(layer.y)
    part = row * max(rows for rows in range(1, distance // row + 1) if count % rows == 0)
    loops = Loops(np.array([[to.size_bytes // part, part, part], [part, 1, 1]], np.int32))
    of = layer.calls[-1]
    call = Call(MOVE, of.ops, (of.y,), of.y, CopyParams(loops, 0, 0))
    return BandCall(call, to, (replace(to, offset=to.offset + distance),), None)


def with_bands(
    graph: Graph,
    choices: Sequence[Choice],
    root: Mapping[int, int],
    core: Core,
    optimize: Optimize,
    arena_bytes: Callable[[Sequence[Call]], int],
) -> tuple[Call, ...]:
    """The calls of a program, chains of them as one where that saves memory.

    arena_bytes: of a program of such calls.
    """
    calls = tuple(choice.call for choice in choices)
    before = arena_bytes(calls)
    if optimize not in MOST_TIME or not core.kernels or before < WORTH_BYTES:
        return calls
    banding = Banding(graph, choices, root, core, optimize)
    while banding.improve():
        pass
    saved = before - arena_bytes(banding.calls)
    return banding.calls if saved >= max(WORTH_BYTES, WORTH_SHARE * before) else calls
