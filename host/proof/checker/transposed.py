"""Lemma "phases": TRANSPOSE_CONV by the kernels that compute all its phases as the filters of one convolution.

Rows of y that lie alike between two strides see every stride-th tap of a filter and nothing else: each such phase is a
convolution of x of its own, and is checked as one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .arithmetic import Ints, ints
from .c_source import Pointer
from .convolutions import check_sums
from .findings import require
from .golden import Golden
from .kernels import Decoder, Linear, doubled, packed, rounded_up, single_bytes, two_in_one
from .memory import Memory, check_apart
from .ops import Convolution, Window, sum_bounds
from .params import Params
from .parts import arguments, part_of
from .views import Task, check_views

TRANSPOSED: dict[str, Decoder] = {
    "transpose_conv2d_packed_s8": doubled,
    "transpose_conv2d_bytes_s8": two_in_one,
    "transpose_conv2d_wide_s8": single_bytes,
}


def transposed(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """A call of one of `TRANSPOSED`: places (rows, columns, stride_h, stride_w, y_c), laid out as pixels of y."""
    arguments(at, 3, task.where)
    op = task.ops[0]
    golden.require_covered(op)
    right = len(task.ops) == 1 and op.name == "TRANSPOSE_CONV"
    require(right, f"{task.where}: {op.where} is no transposed convolution")
    wanted = golden.convolutions[op.index]
    conv = packed(TRANSPOSED[task.kernel])(p.part("conv"))
    g, y_shape = conv.geometry, tuple(p.number(name) for name in ("y_h", "y_w", "y_c"))
    strides = p.number("stride_h"), p.number("stride_w")
    alone = (g.stride_h, g.stride_w, g.dilation_h, g.dilation_w) == (1, 1, 1, 1) and conv.pool is None
    right = alone and min(*strides, *y_shape) > 0 and g.y_c == strides[0] * strides[1] * y_shape[2]
    require(right and strides == (op.options["stride_h"], op.options["stride_w"]), f"{task.where}: other strides")
    require(y_shape[2] == len(task.channels), f"{task.where}: another number of channels")
    fits = task.row + y_shape[0] <= wanted.y_shape[0] and y_shape[1] == wanted.y_shape[1]
    require(fits and task.columns in (None, y_shape[1]), f"{task.where}: rows or columns beyond the op's output")
    require(conv.x_zero == wanted.x_zero, f"{task.where}: another zero point of its input")
    x = memory.read(at[1], g.x_h * g.x_w * g.x_c, task.where).reshape(g.x_h, g.x_w, g.x_c)
    places = [
        _places(count, stride, size, p.number(name), task.where)
        for count, stride, size, name in zip((g.y_h, g.y_w), strides, y_shape, ("top", "left"), strict=False)
    ]
    for down in range(strides[0]):
        for right_ in range(strides[1]):
            phase = _Phase(wanted, conv, strides, (down, right_), y_shape[2])
            phase.check(golden, task, x, (places[0][down], places[1][right_]))
    labels = part_of(golden, task, op.outputs[0], golden.labels[op.outputs[0]], y_shape[0])
    row_bytes = p.number("places_bytes")
    require(row_bytes >= rounded_up(g.y_w * g.y_c) and row_bytes % 4 == 0, f"{task.where}: too few bytes for a row")
    scratch = row_bytes + conv.scratch_bytes
    check_apart([(at[0], labels.size), (at[1], x.size), (at[2], scratch)], task.where)
    memory.spoil(at[2], scratch, task.where)
    memory.write(at[0], labels, task.where)


def _places(count: int, stride: int, size: int, first: int, where: str) -> Ints:
    """(stride, count): which row or column of the call's y each place makes in each phase; -1 for one beyond it."""
    places = first + ints(np.arange(count)) * stride + ints(np.arange(stride))[:, None]
    places = np.where((places >= 0) & (places < size), places, -1)
    require(first <= 0 and set(range(size)) <= set(places.flat), f"{where}: rows or columns that it does not make")
    return places


class _Phase:
    """One phase as a convolution on both sides: the op's taps that it has, and the kernel's."""

    def __init__(
        self, wanted: Convolution, conv: Linear, strides: tuple[int, int], which: tuple[int, int], y_c: int
    ) -> None:
        self._wanted, self._strides = wanted, strides
        h, w = strides
        first = (which[0] * w + which[1]) * y_c
        own = slice(first, first + y_c)
        self._conv = replace(conv, weights=conv.weights[own], bias=conv.bias[own], table=conv.table[own])

    def check(self, golden: Golden, task: Task, x: Ints, places: tuple[Ints, Ints]) -> None:
        """Refuse filters that do not make the bytes of these rows and columns of the call's y."""
        if any(np.all(each < 0) for each in places):
            return
        wanted, c = self._wanted, self._conv
        of_op = tuple(np.where(each < 0, -1, each + first) for each, first in zip(places, (task.row, 0), strict=True))
        windows = wanted.window.rows, wanted.window.columns
        chosen = [
            _taps(window, place[place >= 0], stride, c.weights.shape[axis])
            for window, place, stride, axis in zip(windows, of_op, self._strides, (1, 2), strict=True)
        ]
        weights, views = wanted.weights, list(c.views())
        narrow, ours = list(windows), c.weights
        for axis, (theirs, mine) in enumerate(chosen, start=1):
            rest = np.delete(ours, mine, axis=axis)
            require(not np.any(rest), f"{task.where}: weights where a phase has no taps")
            none = not mine
            ours = np.zeros_like(ours.take([0], axis)) if none else ours.take(mine, axis)
            weights = np.zeros_like(weights.take([0], axis)) if none else weights.take(theirs, axis)
            views[axis - 1] = np.full_like(views[axis - 1][:, :1], -1) if none else views[axis - 1][:, mine]
            window = narrow[axis - 1]
            narrow[axis - 1] = np.full_like(window[:, :1], -1) if none else window[:, theirs]
        c = replace(c, weights=ours, own_views=(views[0], views[1]))
        seen = Window(*(view[place[place >= 0]] for view, place in zip(narrow, of_op, strict=True)))
        lowest, highest = sum_bounds(weights, seen, golden.ranges(wanted.x), wanted)
        phase = replace(wanted, weights=weights, window=Window(narrow[0], narrow[1]), lowest=lowest, highest=highest)
        found = check_views(golden, task, phase, c, x, (of_op[0], of_op[1]))
        check_sums(golden, task, phase, c, found, wanted.clamp)


def _taps(window: Ints, places: Ints, stride: int, count: int) -> tuple[list[int], list[int]]:
    """Which taps of the op's window these places see, and at which of the kernel's `count` taps they lie: the op's last
    one first.
    """
    row, tap = np.argwhere(window >= 0)[0]
    before = stride * window[row, tap] - row + tap  # the padding
    phase = int(places[0] + before) % stride
    taps = [(phase + stride * (count - 1 - k), k) for k in range(count)]
    taps = [(theirs, mine) for theirs, mine in taps if theirs < window.shape[1]]
    assert np.all(np.delete(window[places], [theirs for theirs, _ in taps], axis=1) < 0)
    return [theirs for theirs, _ in taps], [mine for _, mine in taps]
