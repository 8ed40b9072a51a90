"""Kernel calls that go through images row by row: which rows of x some rows of y need, and the call for these alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from tinyproof.export.graph import Tensor
from tinyproof.export.ops.conv2d import Conv2dParams
from tinyproof.export.ops.copy import COPY, CopyParams
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Choice, Params
from tinyproof.export.ops.lookup import LookupParams
from tinyproof.export.ops.loops import Loops
from tinyproof.export.ops.pool2d import Pool2dParams
from tinyproof.export.ops.resize_nearest import ResizeNearestParams
from tinyproof.export.ops.transpose_conv2d import TransposeConv2dParams
from tinyproof.export.ops.window import Window, of_rows, of_rows_back, rows_seen, rows_seen_back

Rows = tuple[int, int]  # the first one, and that behind the last
Part = tuple[Params, Window | None]  # of a plain call, and of the pooling that is part of it


class ByRows(Protocol):
    """A plain call that makes rows of y from rows of each x."""

    def seen(self, rows: Rows) -> Rows:
        """Which rows of each x some rows of y need."""

    def part(self, rows: Rows) -> Part | None:
        """What makes these rows of y of those that they need; None for what only sees what lies beside x.

        The same object where it is the same.
        """


def by_rows(choice: Choice, x: Tensor, y: Tensor) -> ByRows | None:
    """How a call goes through its images; None where it does not do so by rows."""
    params = choice.plain.params
    if isinstance(params, Conv2dParams | DepthwiseConv2dParams | Pool2dParams):
        return _Windows(params, choice.pool)
    if isinstance(params, TransposeConv2dParams):
        return _Transposed(params)
    if isinstance(params, ResizeNearestParams):
        return _Nearest(params, row_bytes(x)) if _goes_down(params, x, y) else None
    if _is_by_bytes(choice.plain, y):
        return Bytes(params, row_bytes(y))
    if isinstance(params, CopyParams) and (pixels := _pixel_loop(params, x, y)) is not None:
        return _Channels(params, pixels, y.shape[2])
    return None


def row_bytes(image: Tensor) -> int:
    """Bytes of a row of (1,h,w,c)."""
    return image.shape[2] * image.shape[3]


class _Parts:
    """Those made before, by what tells them apart."""

    def __init__(self, params: Any) -> None:
        self._params = params
        self._made: dict[Any, Part] = {}

    def _part(self, key: Any, pool: Window | None = None, **changes: Any) -> Part:
        return self._made.setdefault(key, (replace(self._params, **changes), pool))


class _Windows(_Parts):
    """A convolution or a pooling, or both."""

    def __init__(self, params: Any, pool: Window | None) -> None:
        super().__init__(params)
        self._pool = pool

    def seen(self, rows: Rows) -> Rows:
        return rows_seen(self._params.window, self._before_pool(rows))

    def part(self, rows: Rows) -> Part | None:
        pool = of_rows(self._pool, rows) if self._pool else None
        rows = self._before_pool(rows)
        window = of_rows(self._params.window, rows)
        return self._part((window, pool), pool, window=window) if min(window.x_h, window.y_h) > 0 else None

    def _before_pool(self, rows: Rows) -> Rows:
        return rows_seen(self._pool, rows) if self._pool else rows


class _Transposed(_Parts):
    """A transposed convolution."""

    def seen(self, rows: Rows) -> Rows:
        return rows_seen_back(self._params.window, rows)

    def part(self, rows: Rows) -> Part | None:
        window = of_rows_back(self._params.window, rows)
        return self._part(window, window=window) if window.x_h > 0 and window.pad_h >= 0 else None


class _Nearest(_Parts):
    """Rows that are taken as they are, none, once or several times."""

    def __init__(self, params: ResizeNearestParams, x_row: int) -> None:
        super().__init__(params)
        self._x_row = x_row

    def seen(self, rows: Rows) -> Rows:
        taken = self._params.rows[rows[0] : rows[1]] // self._x_row
        return int(taken[0]), int(taken[-1]) + 1

    def part(self, rows: Rows) -> Part | None:
        taken = self._params.rows[rows[0] : rows[1]]
        return self._part(tuple(taken - taken[0]), rows=taken - taken[0])


class Bytes(_Parts):
    """Each byte of y from the same byte of every x."""

    def __init__(self, params: Params, row: int) -> None:
        super().__init__(params)
        self._row = row

    def seen(self, rows: Rows) -> Rows:
        """Which rows of each x some rows of y need."""
        return rows

    def part(self, rows: Rows) -> Part | None:
        """What makes these rows of y."""
        count = (rows[1] - rows[0]) * self._row
        if isinstance(self._params, LookupParams):
            return self._part(count, count=count)
        return self._part(count, loops=Loops(np.array([[count, 1, 1]], np.int32)))


class _Channels(_Parts):
    """All channels of x as some of y: a part of a concatenation. `pixels`: its loop over these."""

    def __init__(self, params: CopyParams, pixels: int, y_w: int) -> None:
        super().__init__(params)
        self._pixels, self._y_w = pixels, y_w

    def seen(self, rows: Rows) -> Rows:
        return rows

    def part(self, rows: Rows) -> Part | None:
        table = self._params.loops.table.copy()
        table[self._pixels, 0] = (rows[1] - rows[0]) * self._y_w
        return self._part(rows[1] - rows[0], loops=Loops(table))


def _goes_down(params: ResizeNearestParams, x: Tensor, y: Tensor) -> bool:
    """Whether it takes whole rows of an image from above to below: GATHER and MIRROR_PAD have the same kernel."""
    of_rows = (params.y_h, params.y_w, params.x_c) == y.shape[1:] and not (params.rows % row_bytes(x)).any()
    return of_rows and not (np.diff(params.rows) < 0).any()


def _is_by_bytes(call: Call, y: Tensor) -> bool:
    params = call.params
    if isinstance(params, LookupParams):
        return params.count == y.size
    loops = getattr(params, "loops", None)
    return isinstance(loops, Loops) and call.kernel is not COPY and loops.table.tolist() == [[y.size, 1, 1]]


def _pixel_loop(params: CopyParams, x: Tensor, y: Tensor) -> int | None:
    """Which of the loops goes over the pixels of both images, if all of x goes to some channels of y."""
    pixels, channels = [y.shape[1] * y.shape[2], x.shape[3], y.shape[3]], [x.shape[3], 1, 1]
    table = params.loops.table.tolist()
    wanted = [pixels, channels] if x.shape[3] > 1 else [pixels]
    inside = params.x_start == 0 and params.y_start + x.shape[3] <= y.shape[3]
    same = x.shape[1:3] == y.shape[1:3] and sorted(table) == sorted(wanted)
    return table.index(pixels) if inside and same else None
