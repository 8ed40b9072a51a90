"""DEPTHWISE_CONV_2D, the kernel `depthwise_conv2d_packed_s8`: any window, a loop of its own for the usual 3 x 3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.memory_plan import IN_PLACE
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, MOST_WEIGHT, fours, pack_output
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

SCRATCH_BYTES = 2048  # more only where two rows of the output need more
QUAD = 4
LONGEST_RUN = 8


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedParams(Params):
    """The members of `depthwise_conv2d_packed_params`."""

    c_type: ClassVar[str] = "depthwise_conv2d_packed_params"

    channels: NDArray[np.int32]  # (y_c, words + 4), and behind them the runs (run_count, 2)
    run_count: int
    words: int
    alternates: int
    x_zero_point: int
    rows: int
    pairs: int
    pair_step: int
    row_words: int
    phases: int
    moves: int
    maps_h: int
    maps_w: int
    x_row: int
    x_step: int
    y_row: int
    y_step: int
    window: Window
    y_min: int
    y_max: int


@dataclass(frozen=True)
class Layout:
    """How the pairs of a layer lie, as the members of those names say."""

    alternates: bool
    pairs: int
    pair_step: int
    row_words: int
    phases: int
    has_loop: bool  # of its own


def plan(window: Window) -> Layout:
    """Pairs of two rows each where strides allow; else one begins at every row."""
    has_loop = (window.k_h, window.k_w, window.dilation_h, window.dilation_w) == (3, 3, 1, 1)
    has_loop = has_loop and (window.stride_h, window.stride_w) in ((1, 1), (2, 2))
    apart = window.dilation_h == 1
    alternates = apart and window.stride_h == 1 and (window.y_h > 1 or has_loop)
    pair_step = 2 if apart and (alternates or window.stride_h % 2 == 0) else 1
    halves = window.k_h // 2 + 1 if alternates else -(-window.k_h // 2)
    pairs = halves if alternates else (halves - 1) * 2 * window.dilation_h // pair_step + 1
    phases = 1 if has_loop else window.stride_w
    columns = window.y_w if has_loop and alternates else max(window.y_w, 4)
    span = (window.k_w - 1) * window.dilation_w
    row_words = (columns - 1) * window.stride_w + span + 1 if has_loop else phases * (columns + span // phases)
    return Layout(alternates, pairs, pair_step, row_words, phases, has_loop)


def pack(conv: DepthwiseConv2dParams) -> DepthwiseConv2dPackedParams | None:
    """The packed layer; None where its numbers do not fit the kernel."""
    by_channel = np.moveaxis(conv.weights, 2, 0)  # (y_c, k_h, k_w)
    output = pack_output(conv.bias, by_channel, conv.output, MOST_WEIGHT)
    if output is None:
        return None
    whole, (maps_h, maps_w) = conv.window, map_counts(conv.window)
    window = largest_map(whole)
    layout = plan(window)
    doubled = 2 * output.scaled(by_channel).astype("<i2")
    rows = _rows(window, layout)
    pairs, runs = _pairs_of_three(doubled, layout) if layout.has_loop else _pairs_in_runs(doubled, window, layout)
    return DepthwiseConv2dPackedParams(
        channels=np.concatenate([np.hstack([pairs, output.channels]).ravel(), np.array(runs, np.int32).ravel()]),
        run_count=len(runs),
        words=pairs.shape[1],
        alternates=int(layout.alternates),
        x_zero_point=conv.x_zero_point,
        rows=rows,
        pairs=layout.pairs,
        pair_step=layout.pair_step,
        row_words=layout.row_words,
        phases=layout.phases,
        moves=_moves(whole, layout, rows),
        maps_h=maps_h,
        maps_w=maps_w,
        x_row=maps_h * whole.x_w * whole.x_c,
        x_step=maps_w * whole.x_c,
        y_row=maps_h * whole.y_w * whole.y_c,
        y_step=maps_w * whole.y_c,
        window=whole,
        y_min=output.y_min,
        y_max=output.y_max,
    )


def map_counts(window: Window) -> tuple[int, int]:
    """Of how many images, each with every so many rows and columns, a dilated window computes one after the other."""
    return (
        window.dilation_h if window.stride_h == 1 and window.k_h > 1 else 1,
        window.dilation_w if window.stride_w == 1 and window.k_w > 1 else 1,
    )


def maps(window: Window) -> list[Window]:
    """These images, without the dilation that made them; some may have no pixel."""
    counts = dict(zip("hw", map_counts(window), strict=True))
    axes = {axis: [_map(window, axis, k, count) for k in range(count)] for axis, count in counts.items()}
    return [replace(window, **h, **w) for h in axes["h"] for w in axes["w"]]


def _map(window: Window, axis: str, k: int, count: int) -> dict[str, int]:
    x, y, pad, dilation = (getattr(window, f"{name}_{axis}") for name in ("x", "y", "pad", "dilation"))
    first = (k - pad) % count  # pixel of x
    sizes = -(-(x - first) // count), max(-(-(y - k) // count), 0), (pad - k + first) // count
    names = [f"{name}_{axis}" for name in ("x", "y", "pad", "dilation")]
    return dict(zip(names, (*sizes, dilation if count == 1 else 1), strict=True))


def largest_map(window: Window) -> Window:
    """The first, which makes at least as many outputs each way as any other."""
    return maps(window)[0]


def _words(upper: NDArray[np.int16], lower: NDArray[np.int16]) -> NDArray[np.int32]:
    """Taps (y_c, n) and those below them as words (y_c, n)."""
    return np.ascontiguousarray(np.stack([upper, lower], axis=2)).view("<i4")[..., 0].astype(np.int32)


def _pairs_of_three(taps: NDArray[np.int16], layout: Layout) -> tuple[NDArray[np.int32], list[tuple[int, int]]]:
    """Rows 0 and 1 of the window, and rows 1 and 2, or row 2 alone."""
    last = _words(taps[:, 1], taps[:, 2]) if layout.alternates else _words(taps[:, 2], np.zeros_like(taps[:, 2]))
    return np.concatenate([_words(taps[:, 0], taps[:, 1]), last], axis=1), []


def _pairs_in_runs(
    taps: NDArray[np.int16], window: Window, layout: Layout
) -> tuple[NDArray[np.int32], list[tuple[int, int]]]:
    """The window in the order of its runs; for alternating rows once more, beginning with the lower half of a pair."""
    places = []  # (word of the plane, row of the window, column)
    row_step = layout.row_words * (1 if layout.alternates else 2 * window.dilation_h // layout.pair_step)
    length = layout.row_words // layout.phases
    halves = layout.pairs if layout.alternates else -(-window.k_h // 2)
    for half in range(halves):
        for column in range(window.k_w):
            at, phase = divmod(column * window.dilation_w, layout.phases)
            places.append((half * row_step + phase * length + at, 2 * half, column))
    places.sort()
    filled = np.pad(taps, ((0, 0), (1, 2 * halves + 1 - window.k_h), (0, 0)))  # a row more above, and below
    rows, columns = np.array([row for _, row, _ in places]), np.array([column for *_, column in places])
    starts = [1, 0] if layout.alternates else [1]
    words = [_words(filled[:, rows + start, columns], filled[:, rows + start + 1, columns]) for start in starts]
    offsets = [offset for offset, *_ in places]
    together = [
        [offset for _, offset in group] for _, group in groupby(enumerate(offsets), lambda each: each[1] - each[0])
    ]
    runs = [
        (4 * run[start], len(run[start : start + LONGEST_RUN]))
        for run in together
        for start in range(0, len(run), LONGEST_RUN)
    ]
    return np.concatenate(words, axis=1), runs


def _pair_rows(window: Window, layout: Layout, rows: int) -> int:
    step = (rows - 1) // 2 if layout.alternates else (rows - 1) * window.stride_h // layout.pair_step
    return step + layout.pairs


def _rows(window: Window, layout: Layout) -> int:
    """How many rows of the output are computed from one plane: as many as fit `SCRATCH_BYTES`, an even number."""
    rows = 2
    while rows < window.y_h and _scratch_bytes(window, layout, rows + 2) <= SCRATCH_BYTES:
        rows += 2
    return rows


def _steps(window: Window, layout: Layout, rows: int) -> int:
    """How many rows of pairs lie between what so many rows of the output and those after them see first."""
    return rows // 2 if layout.alternates else rows * window.stride_h // layout.pair_step


def _moves(window: Window, layout: Layout, rows: int) -> int:
    """By how many rows of pairs the planes go on from one band of rows to the next; 0 where y must not be x's place.

    It may where each four channels of a pixel of y take the place of the same of x, and none that are still to be seen.
    """
    found = {_moves_of(part, layout, rows) for part in maps(window) if part.y_h * part.y_w}
    stays = window.pad_h % map_counts(window)[0] == window.pad_w % map_counts(window)[1] == 0
    alone = map_counts(window) == (1, 1)
    return min(found) if alone or (stays and window.x_w == window.y_w) else 0


def _moves_of(window: Window, layout: Layout, rows: int) -> int:
    """The same for one image."""
    steps = _steps(window, layout, rows)
    kept = max(_pair_rows(window, layout, rows) - steps, 0)
    unseen = (i * window.stride_h - window.pad_h + kept * layout.pair_step for i in range(rows, window.y_h, rows))
    written = (i * window.y_w for i in range(rows, window.y_h, rows))
    clear = all(most <= max(row, 0) * window.x_w for most, row in zip(written, unseen, strict=True))
    return steps if window.x_c == window.y_c and clear else 0


def _scratch_bytes(window: Window, layout: Layout, rows: int) -> int:
    return 4 * QUAD * layout.row_words * _pair_rows(window, layout, rows)


def scratch_bytes(params: DepthwiseConv2dPackedParams) -> int:
    """The pairs of four channels."""
    window = largest_map(params.window)
    return _scratch_bytes(window, plan(window), params.rows)


def leads(params: DepthwiseConv2dPackedParams) -> tuple[int | None]:
    """In place, or how many bytes before the input the output has to begin where it overwrites it.

    What `rows` rows see is read again for every four channels.
    """
    if params.moves:
        return (IN_PLACE,)
    if map_counts(params.window) != (1, 1):
        return (None,)
    window, rows = params.window, params.rows
    x_row, y_row = window.x_w * window.x_c, window.y_w * window.y_c
    starts = range(0, window.y_h, rows)
    seen = (min(max(i * window.stride_h - window.pad_h, 0), window.x_h) for i in starts)
    return (max(0, *(min(i + rows, window.y_h) * y_row - top * x_row for i, top in zip(starts, seen, strict=True))),)


def events(params: DepthwiseConv2dPackedParams) -> Events:
    """How often it does each thing that has a price."""
    each = [_events(part, params) for part in maps(params.window) if part.y_h * part.y_w]
    return tuple(map(sum, zip(*each, strict=True)))


def _events(window: Window, params: DepthwiseConv2dPackedParams) -> Events:
    """Those of one image."""
    layout = plan(largest_map(params.window))
    bands = [min(params.rows, window.y_h - i) for i in range(0, window.y_h, params.rows)]
    quads, calls = fours(window.x_c), len(bands) * window.y_c
    kept = max(_pair_rows(window, layout, params.rows) - params.moves, 0) if params.moves else 0
    pair_rows = quads * layout.phases * (sum(_pair_rows(window, layout, rows) - kept for rows in bands) + kept)
    laid = pair_rows, pair_rows * layout.row_words // layout.phases
    rows = window.y_c * window.y_h
    if layout.has_loop and layout.alternates:
        double = window.y_c * sum(-(-rows // 2) for rows in bands)
        quadruples, twos, ones = window.y_w // 4, window.y_w % 4 // 2, window.y_w % 2
        return (*laid, calls, double, double * quadruples, double * twos, double * ones, 0, 0, 0, 0, 0, 0)
    blocks = rows * fours(window.y_w)
    if layout.has_loop:
        return (*laid, calls, 0, 0, 0, 0, rows, blocks, 0, 0, 0, 0)
    words = params.words // (2 if layout.alternates else 1)
    return (*laid, calls, 0, 0, 0, 0, 0, 0, rows, blocks, blocks * params.run_count, blocks * words)


DEPTHWISE_CONV2D_PACKED = Kernel("depthwise_conv2d_packed", scratch_bytes, leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling."""
    params = pack(call.params) if not pool and isinstance(call.params, DepthwiseConv2dParams) else None
    return replace(call, kernel=DEPTHWISE_CONV2D_PACKED, params=params) if params else None


FAST = Fast(DEPTHWISE_CONV2D_PACKED, fit)
