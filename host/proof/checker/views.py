"""Where a kernel's windows lie: each holds what the op's window holds (lemmas "views", "taps" and "pooling")."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arithmetic import Ints
from .findings import Refused, require
from .golden import CONSTANT, Golden
from .kernels import Linear
from .ops import Convolution, Shape, pool_clamp, seen, window
from .tflite_model import Op


@dataclass(frozen=True, eq=False)
class Task:
    """What the certificate says of a call: the ops it computes, from which row on, and which part of them."""

    kernel: str
    ops: tuple[Op, ...]
    row: int
    columns: int | None  # how many it makes of an image, None: all
    channels: Ints
    where: str


@dataclass(frozen=True, eq=False)
class Seen:
    """What a call sees of the op's input: which of its taps and channels, and the kinds of places."""

    taps: tuple[slice, slice]
    channels: Ints
    masks: tuple[Ints, Ints]  # (kinds, k_h) and (kinds, k_w): 1 inside the image


def places_of(golden: Golden, task: Task, wanted: Convolution, c: Linear) -> tuple[Ints, Ints, Shape, tuple[int, int]]:
    """Which row and which column of the op's output each of the kernel's convolution is, (its y_h,) and (its y_w,);
    the shape of what it writes; and the clamp, the pooling's behind the convolution's.
    """
    g, pool, low_high = c.geometry, c.pool, wanted.clamp
    y_h, y_w = (pool.y_h, pool.y_w) if pool else (g.y_h, g.y_w)
    rows, columns = task.row + np.arange(g.y_h), np.arange(g.y_w)
    if len(task.ops) > 1:
        op = task.ops[1]
        followed = len(task.ops) == 2 and op.name == "MAX_POOL_2D" and op.inputs[0] == task.ops[0].outputs[0]
        require(followed, f"{task.where}: {op.where} is no pooling of it")
        shapes = [golden.model.tensors[x].shape for x in (op.inputs[0], op.outputs[0])]
        k = int(op.options.get("k_h", 0)), int(op.options.get("k_w", 0))
        whole = window(op, shapes[0], shapes[1], k)
        after = pool_clamp(golden.model, op)
        low_high = min(max(low_high[0], after[0]), after[1]), min(max(low_high[1], after[0]), after[1])
        rows = _pooled(whole.rows, (pool.y_h, pool.k_h, pool.stride_h, pool.pad_h) if pool else None, g.y_h, task.row)
        columns = _pooled(whole.columns, (pool.y_w, pool.k_w, pool.stride_w, pool.pad_w) if pool else None, g.y_w, 0)
    else:
        require(pool is None, f"{task.where}: a pooling that the model does not have")
    fits = rows.max() < wanted.y_shape[0] and columns.max() < wanted.y_shape[1]
    require(bool(fits), f"{task.where}: rows or columns beyond the op's output")
    return rows, columns, (y_h, y_w, g.y_c), low_high


def _pooled(whole: Ints, ours: tuple[int, int, int, int] | None, count: int, first: int) -> Ints:
    """Lemma "pooling": for each row of the kernel's convolution the row of the op's; -1 for one that no window sees.

    whole (y, k): which rows each window of the op sees; ours: y, k, stride and padding of the kernel's.
    """
    if ours is None:  # single pixels: the convolution makes just these
        require(whole.shape[1] == 1 and first + count <= len(whole), "a pooling that the kernel does not have")
        return whole[first : first + count, 0]
    y, k, stride, before = ours
    mine = seen(y, k, stride, 1, before, count)
    require(first + y <= len(whole), "a pooling of more rows than the model's")
    place = np.full(count, -1)
    for window_of_op, window_of_ours in zip(whole[first : first + y], mine, strict=True):
        sees, see = window_of_op[window_of_op >= 0], window_of_ours[window_of_ours >= 0]
        require(sees.size == see.size > 0, "a pooling of other windows")
        known = place[see] >= 0
        require(bool(np.all(place[see][known] == sees[known])), "a pooling of other windows")
        place[see] = sees
    return place


def _with_outside(image: Ints, zero: int) -> Ints:
    """The image with one row and one column more, which index -1 finds: the zero point."""
    return np.pad(image, ((0, 1), (0, 1), (0, 0)), constant_values=CONSTANT + zero)


def check_views(golden: Golden, task: Task, wanted: Convolution, c: Linear, x: Ints, places: tuple[Ints, Ints]) -> Seen:
    """Lemma "views": every window of the kernel holds the labels of the op's window. The op's taps that the kernel does
    not have see nothing but zero points.
    """
    theirs = _with_outside(golden.labels[wanted.x].reshape(wanted.x_shape), wanted.x_zero)
    mine = _with_outside(x, wanted.x_zero)
    used = [np.flatnonzero(each >= 0) for each in places]
    views = [view[which] for view, which in zip(c.views(), used, strict=True)]
    golden_views = [
        view[place[which]]
        for view, place, which in zip((wanted.window.rows, wanted.window.columns), places, used, strict=True)
    ]
    taps = tuple(_taps(wide, narrow, task.where) for wide, narrow in zip(golden_views, views, strict=True))
    kept = _kept(theirs, mine, [wide[:, tap] for wide, tap in zip(golden_views, taps, strict=True)], views)
    require(kept.size == x.shape[2], f"{task.where}: its input has other channels")
    row_views, column_views = (wide[:, tap] for wide, tap in zip(golden_views, taps, strict=True))
    for k, (of_theirs, of_mine) in enumerate(zip(row_views, views[0], strict=True)):
        equal = theirs[of_theirs][:, column_views][..., kept] == mine[of_mine][:, views[1]]
        if not np.all(equal):
            column = np.argwhere(~equal)[0][1]
            raise Refused(f"{task.where}: output row {k}, column {column} does not see what the op sees there")
    masks = tuple(np.unique(each >= 0, axis=0).astype(np.int64) for each in (row_views, column_views))
    return Seen((taps[0], taps[1]), kept, (masks[0], masks[1]))


def _taps(theirs: Ints, ours: Ints, where: str) -> slice:
    """Lemma "taps": those of the op from the first that sees the image; the rest sees none of it anywhere."""
    more = theirs.shape[1] - ours.shape[1]
    require(more >= 0, f"{where}: a window larger than the op's")
    for first in range(more + 1):
        left_out = np.delete(theirs, np.s_[first : first + ours.shape[1]], axis=1)
        if np.all(left_out < 0):
            return slice(first, first + ours.shape[1])
    raise Refused(f"{where}: a window smaller than the op's")


def _kept(theirs: Ints, mine: Ints, golden_views: list[Ints], views: list[Ints]) -> Ints:
    """Which channels of the op's input the kernel's has, by the labels of one pixel; the views say if that is true."""
    if theirs.shape[2] == mine.shape[2]:
        return np.arange(theirs.shape[2])
    rows, columns = (
        np.unique(np.stack([wide[view >= 0], view[view >= 0]]), axis=1).T
        for wide, view in zip(golden_views, views, strict=True)
    )
    best, most = np.arange(theirs.shape[2]), -1
    for golden_row, row in rows.tolist():
        for golden_column, column in columns.tolist():
            pixel = mine[row, column]
            told = int((pixel >= 0).sum())  # of constants several channels may have the same
            if told > most:
                best, most = _positions(theirs[golden_row, golden_column], pixel), told
            if told == pixel.size:
                return best
    return best


def _positions(labels: Ints, some: Ints) -> Ints:
    """Where those of `some`, one after the other, come next among the labels."""
    found, rest = [], some.tolist()[::-1]
    for k, label in enumerate(labels.tolist()):
        if rest and rest[-1] == label:
            found.append(k)
            rest.pop()
    return np.array(found, np.int64)
