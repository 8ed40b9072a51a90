"""One call of a kernel for sums of products: that it makes some rows of what the model's ops make.

The lemmas are those of docs/proof.md: "views", "sums", "constant channels", "steps", "pooling", "order".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arithmetic import INT32_MAX, Function, Ints, check_equal, check_packed_range, ints, packed, stage
from .c_source import Pointer
from .findings import NotCovered, Refused, require
from .golden import CONSTANT, Convolution, Golden, channel_bounds, pool_clamp, seen, window
from .kernels import Linear
from .memory import Memory, check_apart, overlap
from .tflite_model import Op


@dataclass(frozen=True, eq=False)
class Task:
    """What the certificate says of a call: the ops it computes, from which row on, and which channels it makes."""

    kernel: str
    ops: tuple[Op, ...]
    row: int
    channels: Ints
    where: str


def check_convolution(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], c: Linear) -> None:
    """Refuse a call that does not make the bytes of its task; else its labels are in the memory."""
    wanted = golden.convolutions.get(task.ops[0].index)
    if wanted is None:
        raise NotCovered(golden.uncovered.get(task.ops[0].index, "it is no convolution"))
    require(len(task.channels) == c.geometry.y_c, f"{task.where}: another number of channels")
    rows, columns, y_shape, clamp = _places(golden, task, wanted, c)
    x = _read(memory, task, at, c)
    taps, kept = _check_views(golden, task, wanted, c, x, (rows, columns))
    ours = wanted.weights[task.channels][:, taps[0]][:, :, taps[1]]
    if wanted.sees is None:
        ours = ours[..., kept]
    else:
        require(c.sees is not None, f"{task.where}: a depthwise op by a kernel that sums up channels")
        assert c.sees is not None
        require(bool(np.all(kept[c.sees] == wanted.sees[task.channels])), f"{task.where}: filters see other channels")
    require(c.sees is None or wanted.sees is not None, f"{task.where}: no depthwise op")
    added = _of_constants(golden, task, wanted, kept, (rows, columns))
    check_sums(task, wanted, c, ours, added, clamp)
    _write(golden, memory, task, at, c, y_shape)


def _places(
    golden: Golden, task: Task, wanted: Convolution, c: Linear
) -> tuple[Ints, Ints, tuple[int, int, int], tuple[int, int]]:
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


def _read(memory: Memory, task: Task, at: tuple[Pointer, ...], c: Linear) -> Ints:
    require(len(at) == (3 if c.scratch_bytes else 2), f"{task.where}: another number of arguments")
    h, w, x_c = c.x_shape
    return memory.read(at[1], h * w * x_c, task.where).reshape(h, w, x_c)


def _with_outside(image: Ints, zero: int) -> Ints:
    """The image with one row and one column more, which index -1 finds: the zero point."""
    return np.pad(image, ((0, 1), (0, 1), (0, 0)), constant_values=CONSTANT + zero)


def _check_views(
    golden: Golden, task: Task, wanted: Convolution, c: Linear, x: Ints, places: tuple[Ints, Ints]
) -> tuple[tuple[slice, slice], Ints]:
    """Lemma "views": every window of the kernel holds the labels of the op's window. Returns which of the op's taps the
    kernel has (the others see nothing but zero points), and which of its channels.
    """
    theirs = _with_outside(golden.labels[wanted.x].reshape(wanted.x_shape), wanted.x_zero)
    mine = _with_outside(x, wanted.x_zero if c.x_zero is None else c.x_zero)
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
    return (taps[0], taps[1]), kept


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
    places = [np.argwhere(view >= 0) for view in views]
    if not all(place.size for place in places) or theirs.shape[2] == mine.shape[2]:
        return np.arange(theirs.shape[2])
    (i, a), (j, b) = places[0][0], places[1][0]
    pixel = theirs[golden_views[0][i, a], golden_views[1][j, b]]
    return np.flatnonzero(np.isin(pixel, mine[views[0][i, a], views[1][j, b]]))


def _of_constants(
    golden: Golden, task: Task, wanted: Convolution, kept: Ints, places: tuple[Ints, Ints]
) -> Ints:
    """Lemma "constant channels": what channels that the kernel does not read add to every sum, (y_c,). Refused where
    such a channel is no constant, or does not add the same at every place.
    """
    gone = np.setdiff1d(np.arange(wanted.x_shape[2]), kept)
    if not gone.size or wanted.sees is not None:
        return np.zeros(len(task.channels), np.int64)
    low, high = (each[gone] for each in channel_bounds(golden, wanted.x, wanted.x_shape))
    weights = wanted.weights[task.channels][..., gone]
    matters = np.any(weights != 0, axis=(0, 1, 2))
    living = gone[(low != high) & matters]
    require(not living.size, f"{task.where}: channel {living[:1]} of its input is left out and is no constant")
    each = np.where(matters, weights * (low - wanted.x_zero), 0).sum(axis=3)
    masks = [
        np.unique(view[place[place >= 0]] >= 0, axis=0).astype(np.int64)
        for view, place in zip((wanted.window.rows, wanted.window.columns), places, strict=True)
    ]
    sums = np.einsum("okl,rk,cl->orc", each, *masks).reshape(len(task.channels), -1)
    same = bool(np.all(sums == sums[:, :1]))
    require(same, f"{task.where}: a constant channel that is left out adds less at the border")
    return ints(sums[:, 0])


def check_sums(
    task: Task, wanted: Convolution, c: Linear, ours: Ints, added: Ints, clamp: tuple[int, int]
) -> None:
    """Lemmas "sums" and "steps": the kernel's sum is a multiple of TFLM's plus a number, for each channel, and both
    become the same byte for every sum that can be.
    """
    y_c, where = len(task.channels), task.where
    mine, theirs = c.weights.reshape(y_c, -1), ours.reshape(y_c, -1)
    require(mine.shape == theirs.shape, f"{where}: another number of weights")
    most = np.abs(c.bias) + 128 * np.abs(mine).sum(axis=1)
    require(int(most.max()) <= INT32_MAX, f"{where}, channel {int(np.argmax(most))}: its sum may overflow")
    unused = c.table[:, 0] == 0  # a multiplier of zero: one byte whatever the sum
    largest = np.argmax(np.abs(theirs), axis=1)[:, None]
    top, bottom = (np.take_along_axis(each, largest, axis=1)[:, 0] for each in (mine, theirs))
    gain = np.where(bottom == 0, 2 if c.signs else 1, top // np.where(bottom == 0, 1, bottom))
    wrong = np.any(mine != gain[:, None] * theirs, axis=1) | (gain < 1)
    wrong &= ~unused
    if np.any(wrong):
        channel = int(np.argmax(wrong))
        tap = int(np.argmax(mine[channel] != gain[channel] * theirs[channel]))
        raise Refused(
            f"{where}, channel {channel}, weight {tap}: {mine[channel, tap]} in C, {theirs[channel, tap]} in the .tflite"
        )
    bias = wanted.bias[task.channels] + added
    moved = c.bias + gain * wanted.x_zero * theirs.sum(axis=1) - gain * bias
    lowest, highest = wanted.lowest[task.channels], wanted.highest[task.channels]
    golden_way = stage(wanted.multiplier[task.channels], wanted.shift[task.channels], wanted.y_zero, *clamp)
    if not c.signs:
        require(c.clamp == clamp, f"{where}: another clamp")
        require(bool(np.all(gain == 1)) and not np.any(moved), f"{where}: another bias")
        check_equal(golden_way, _plain_way(c, where), lowest, highest, where)
        return
    for sign in c.signs:
        for low in (0, -1) if np.any(unused) else (0,):
            some_gain, some_moved = np.where(unused, 0, gain), np.where(unused, low, moved)
            check_packed_range(c.table, some_gain, some_moved, lowest, highest, where)
            check_equal(
                golden_way, packed(c.table, some_gain, some_moved, *c.clamp, sign), lowest, highest, where
            )


def _plain_way(c: Linear, where: str) -> Function:
    zero = {int(each) for each in c.table[:, 2]}
    require(len(zero) == 1, f"{where}: several zero points")
    shifts = bool(np.all((c.table[:, 1] >= -31) & (c.table[:, 1] <= 30) & (c.table[:, 0] >= 0)))
    require(shifts, f"{where}: a multiplier or a shift out of range")
    return stage(c.table[:, 0], c.table[:, 1], zero.pop(), *c.clamp)


def _write(
    golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], c: Linear, shape: tuple[int, int, int]
) -> None:
    """Lemma "order": what the kernel writes does not destroy what it still reads."""
    h, w, x_c = c.x_shape
    y_bytes, x_bytes = shape[0] * shape[1] * shape[2], h * w * x_c
    if c.scratch_bytes:
        check_apart([(at[0], y_bytes), (at[2], c.scratch_bytes)], task.where)
        check_apart([(at[1], x_bytes), (at[2], c.scratch_bytes)], task.where)
        memory.spoil(at[2], c.scratch_bytes, task.where)
    if overlap(at[0], y_bytes, at[1], x_bytes):
        _check_order(task, at, c, shape, w * x_c)
    y = task.ops[-1].outputs[0]
    image = golden.labels[y].reshape(-1, *_image(golden, task, y))
    memory.write(at[0], image[0, task.row : task.row + shape[0], : shape[1]][..., task.channels].reshape(-1), task.where)


def _image(golden: Golden, task: Task, y: int) -> tuple[int, int, int]:
    shape = golden.model.tensors[y].shape
    if task.ops[-1].name == "FULLY_CONNECTED":
        return golden.convolutions[task.ops[-1].index].y_shape
    return shape[1], shape[2], shape[3]


def _check_order(task: Task, at: tuple[Pointer, ...], c: Linear, shape: tuple[int, int, int], x_row: int) -> None:
    if c.in_place and at[0] == at[1]:
        return
    g, pool, y_row = c.geometry, c.pool, shape[1] * shape[2]
    require(c.band > 0, f"{task.where}: its output overlaps its input")
    stride, before = (pool.stride_h, pool.pad_h) if pool else (1, 0)
    for i in range(0, shape[0], c.band):
        first = min(max(max(i * stride - before, 0) * g.stride_h - g.pad_h, 0), g.x_h)
        written = at[0].offset + min(i + c.band, shape[0]) * y_row
        clear = written <= at[1].offset + first * x_row
        require(clear, f"{task.where}: row {i} of its output overwrites what it still reads")
