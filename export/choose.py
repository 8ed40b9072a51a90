"""Which kernel computes what: the fastest of a core's that gives the same bytes, and layers that become one call.

A max pooling behind a convolution is computed with it, so that the image between them is never stored. It is exact:
the largest byte of a window is the byte of the largest accumulator, because requantizing (a product with a multiplier
that is never negative, two roundings, an addition, a clamp) never reverses an order, and the channel is the same
within a window. The pooling's own clamp and the convolution's are one clamp after the other, which is again a clamp.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from tinyproof.cores import Core
from tinyproof.export.cost import call_cycles
from tinyproof.export.graph import Graph
from tinyproof.export.ops import FAST
from tinyproof.export.ops.conv2d import Conv2dParams, as_convolution
from tinyproof.export.ops.kind import Call, Choice, Fast
from tinyproof.export.ops.pool2d import MaxPool2dParams
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

MORE_ARENA = 1.05  # what a balanced choice may make of the smallest arena
ALIKE = 1.005  # times the fewest cycles: no prices are nearer the truth, and then memory decides


def choose_kernels(
    graph: Graph,
    calls: Sequence[Call],
    core: Core,
    optimize: Optimize,
    arena_bytes: Callable[[Sequence[Choice]], int],
    least_bytes: Callable[[Sequence[Choice]], int],
) -> tuple[Choice, ...]:
    """The same computation with as few calls, and as fast ones, as the core's kernels allow; in the same order.

    arena_bytes: of a program of such calls; least_bytes: of one with chains of them computed together.
    """
    fast = [one for one in FAST if one.kernel.folder in core.kernels]
    chosen = _first_choice(graph, calls, fast, core, optimize)
    most = arena_bytes(chosen) * MORE_ARENA
    left = []
    for place, better in _improvements(chosen, fast, core, optimize):
        tried = _with(chosen, [(place, better)])
        if optimize is Optimize.FAST or arena_bytes(tried) <= most:
            chosen = tried
        else:
            left.append((place, better))
    return _with(chosen, _most_that_fit(left, lambda taken: least_bytes(_with(chosen, taken)) <= most))


def fastest(call: Call, core: Core) -> Call:
    """The same on the first of the core's kernels that fits, without a pooling."""
    own = (one for one in FAST if one.kernel.folder in core.kernels and not one.takes_more)
    return next((fit for one in own if (fit := one.fit(call, None, Optimize.BALANCED))), call)


def _improvements(
    chosen: Sequence[Choice], fast: Sequence[Fast], core: Core, optimize: Optimize
) -> Iterator[tuple[int, Choice]]:
    """(place, choice) of kernels that would be quicker and take more memory."""
    for place, choice in enumerate(chosen):
        lowest = choice.fast.rank if choice.fast else None
        for one in (one for one in fast if one.takes_more and lowest in (one.rank, None) and not choice.pool):
            better = one.fit(choice.plain, None, optimize)
            if better and call_cycles(better, core) < call_cycles(choice.call, core):
                yield place, Choice(better, choice.plain, None, one)


def _with(chosen: Sequence[Choice], taken: Iterable[tuple[int, Choice]]) -> tuple[Choice, ...]:
    others = dict(taken)
    return tuple(others.get(place, choice) for place, choice in enumerate(chosen))


def _most_that_fit(
    wanted: Sequence[tuple[int, Choice]], fit: Callable[[Sequence[tuple[int, Choice]]], bool]
) -> list[tuple[int, Choice]]:
    """All of them, else as many of the first as fit in few tries."""
    taken: list[tuple[int, Choice]] = []
    step = len(wanted)
    while step and len(taken) < len(wanted):
        tried = [*taken, *wanted[len(taken) : len(taken) + step]]
        taken, step = (tried, step) if fit(tried) else (taken, step // 2)
    return taken


def scratch_bytes(choice: Choice) -> int:
    """Of the memory that a call takes beside what it reads and writes."""
    kernel, params = choice.call.kernel, choice.call.params
    return kernel.scratch_bytes(params) if kernel.scratch_bytes else 0


def _first_choice(
    graph: Graph, calls: Sequence[Call], fast: Sequence[Fast], core: Core, optimize: Optimize
) -> tuple[Choice, ...]:
    """The cheapest kernel of the first rank that fits, for each call or, better, for it and the pooling after it."""
    chosen: list[Choice] = []
    readers = Counter([index for op in graph.ops for index in op.inputs] + list(graph.outputs))
    remaining = list(calls)

    def cost(offer: Choice) -> float:
        saved = offer.fast.waits_less if offer.fast and core.unit == "cycles" else 0
        return call_cycles(offer.call, core) * (1 - saved)

    def cheapest(offers: Sequence[Choice]) -> Choice:
        if len(offers) == 1:
            return offers[0]
        costs = [cost(offer) for offer in offers]
        alike = [offer for offer, cycles in zip(offers, costs, strict=True) if cycles <= ALIKE * min(costs)]
        return min(alike, key=scratch_bytes)

    def fitting(call: Call, pool: Window | None) -> Choice | None:
        for _, equal in groupby((one for one in fast if not one.takes_more), lambda one: one.rank):
            fits = [(one, one.fit(call, pool, optimize)) for one in equal]
            if offers := [Choice(offer, call, pool, one) for one, offer in fits if offer]:
                return cheapest(offers)
        return None

    def by_itself(call: Call) -> Choice:
        forms = [call, as_convolution(call)]
        return cheapest([fitting(form, None) or Choice(form, form) for form in forms if form])

    while remaining:
        call = remaining.pop(0)
        joined = _joined(call, remaining[0], readers) if remaining else None
        together = fitting(*joined) if joined else None
        if together:
            remaining.pop(0)
        chosen.append(together or by_itself(call))
    return tuple(chosen)


def _joined(call: Call, following: Call, readers: Counter[int]) -> tuple[Call, Window | None] | None:
    """A convolution that ends with the clamp of the pooling after it, and that one's window; None where both cannot be
    one. Not for windows that overlap: what they share would be computed more than once. Of a pooling of single pixels
    nothing is left but longer strides.
    """
    conv, pool = call.params, following.params
    if not isinstance(conv, Conv2dParams) or not isinstance(pool, MaxPool2dParams):
        return None
    if following.xs != (call.y,) or readers[call.y] > 1 or not _is_tiling(pool.window):
        return None
    y_min, y_max = (min(max(limit, pool.y_min), pool.y_max) for limit in (conv.output.y_min, conv.output.y_max))
    both = replace(conv, output=replace(conv.output, y_min=y_min, y_max=y_max))
    single = pool.window.k_h == pool.window.k_w == 1
    if single:
        both = replace(both, window=_with_longer_strides(conv.window, pool.window))
    joined = replace(call, ops=call.ops + following.ops, y=following.y, params=both)
    return joined, None if single else pool.window


def _with_longer_strides(window: Window, pool: Window) -> Window:
    strides = {"stride_h": window.stride_h * pool.stride_h, "stride_w": window.stride_w * pool.stride_w}
    return replace(window, y_h=pool.y_h, y_w=pool.y_w, **strides)


def _is_tiling(pool: Window) -> bool:
    """Whether no two windows share a pixel and each holds at least one."""
    apart = pool.stride_h >= pool.k_h and pool.stride_w >= pool.k_w
    starts_inside = pool.pad_h < pool.k_h and pool.pad_w < pool.k_w
    ends_inside = (pool.y_h - 1) * pool.stride_h - pool.pad_h < pool.x_h
    return apart and starts_inside and ends_inside and (pool.y_w - 1) * pool.stride_w - pool.pad_w < pool.x_w
