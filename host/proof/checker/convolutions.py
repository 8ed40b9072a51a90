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
    op = task.ops[0]
    if op.index in golden.uncovered:
        raise NotCovered(golden.uncovered[op.index])
    require(op.index in golden.convolutions, f"{task.where}: no sum of products")
    wanted = golden.convolutions[op.index]
    require(len(task.channels) == c.geometry.y_c, f"{task.where}: another number of channels")
    require(c.x_zero in (None, wanted.x_zero), f"{task.where}: another zero point of its input")
    rows, columns, y_shape, clamp = _places(golden, task, wanted, c)
    x = _read(memory, task, at, c)
    seen_ = _check_views(golden, task, wanted, c, x, (rows, columns))
    try:
        check_sums(golden, task, wanted, c, seen_, clamp)
    except Refused as refusal:
        if wanted.x in golden.loose:
            raise NotCovered(f"for want of the range of {golden.loose[wanted.x]}: {refusal}") from None
        raise
    _write(golden, memory, task, at, c, y_shape)


@dataclass(frozen=True, eq=False)
class Seen:
    """What a call sees of the op's input: which of its taps and channels, and the kinds of places."""

    taps: tuple[slice, slice]
    channels: Ints
    masks: tuple[Ints, Ints]  # (kinds, k_h) and (kinds, k_w): 1 inside the image


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
) -> Seen:
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
    places = [np.argwhere(view >= 0) for view in views]
    if not all(place.size for place in places) or theirs.shape[2] == mine.shape[2]:
        return np.arange(theirs.shape[2])
    (i, a), (j, b) = places[0][0], places[1][0]
    pixel = theirs[golden_views[0][i, a], golden_views[1][j, b]]
    return np.flatnonzero(np.isin(pixel, mine[views[0][i, a], views[1][j, b]]))


@dataclass(frozen=True, eq=False)
class Sums:
    """The weights of both sides for what varies, (y_c, taps * channels), and what constant channels add to each sum."""

    ours: Ints
    theirs: Ints
    our_constant: Ints  # (y_c, kinds of places): of x * weight, with the zero point outside
    their_constant: Ints  # of (x - zero point) * weight, nothing outside


def _sums(golden: Golden, task: Task, wanted: Convolution, c: Linear, seen_: Seen) -> Sums:
    """Lemma "constant channels": what has the same byte for every input adds a number that depends on the place alone."""
    low, high = channel_bounds(golden, wanted.x, wanted.x_shape)
    weights = wanted.weights[task.channels][:, seen_.taps[0]][:, :, seen_.taps[1]]
    y_c, kept, zero = len(weights), seen_.channels, wanted.x_zero
    if wanted.sees is None:
        require(c.sees is None, f"{task.where}: channels are not summed up")
        gone = np.setdiff1d(np.arange(wanted.x_shape[2]), kept)
        matters = np.any(weights[..., gone] != 0, axis=(0, 1, 2))
        living = gone[(low[gone] != high[gone]) & matters]
        require(not living.size, f"{task.where}: channel {living[:1]} of its input is left out and is no constant")
        of_gone = np.where(matters, weights[..., gone] * (low[gone] - zero), 0).sum(axis=3)
        theirs, value, same = weights[..., kept], low[kept], (low == high)[kept]
    else:
        sees = wanted.sees[task.channels]
        right = c.sees is not None and np.array_equal(kept[c.sees], sees)
        require(right, f"{task.where}: its filters see other channels than the op's")
        of_gone, theirs = np.zeros(weights.shape[:3], np.int64), weights
        value, same = (each[sees].reshape(y_c, 1, 1, 1) for each in (low, low == high))
    require(c.weights.shape == theirs.shape, f"{task.where}: another number of weights")
    ours_same, theirs_same = np.where(same, c.weights, 0), np.where(same, theirs, 0)
    inside = (ours_same * value).sum(axis=3), (theirs_same * (value - zero)).sum(axis=3) + of_gone
    outside = (ours_same * zero).sum(axis=3)
    our_constant = _at_places(inside[0] - outside, seen_.masks) + outside.sum(axis=(1, 2))[:, None]
    ours, theirs = (np.where(same, 0, each).reshape(y_c, -1) for each in (c.weights, theirs))
    return Sums(ours, theirs, our_constant, _at_places(inside[1], seen_.masks))


def _at_places(taps: Ints, masks: tuple[Ints, Ints]) -> Ints:
    """(y_c, k_h, k_w) summed up over what is inside, for each kind of place: (y_c, kinds)."""
    return ints(np.einsum("okl,rk,cl->orc", taps, *masks).reshape(len(taps), -1))


def check_sums(
    golden: Golden, task: Task, wanted: Convolution, c: Linear, seen_: Seen, clamp: tuple[int, int]
) -> None:
    """Lemmas "sums" and "steps": the kernel's sum is a multiple of TFLM's plus a number, for each channel, and both
    become the same byte for every sum that can be.
    """
    sums, where = _sums(golden, task, wanted, c, seen_), task.where
    most = np.abs(c.bias) + 128 * np.abs(c.weights).sum(axis=(1, 2, 3))
    require(int(most.max()) <= INT32_MAX, f"{where}, channel {int(np.argmax(most))}: its sum may overflow")
    unused = c.table[:, 0] == 0  # a multiplier of zero: one byte whatever the sum
    gain = _gains(sums, unused, where)
    apart = sums.our_constant - gain[:, None] * sums.their_constant
    moves = np.any(apart != apart[:, :1], axis=1) & ~unused
    require(not np.any(moves), f"{where}: a constant channel that is left out adds less at the border")
    bias = wanted.bias[task.channels]
    moved = c.bias + gain * (wanted.x_zero * sums.theirs.sum(axis=1) - bias) + apart[:, 0]
    lowest, highest = wanted.lowest[task.channels], wanted.highest[task.channels]
    golden_way = stage(wanted.multiplier[task.channels], wanted.shift[task.channels], wanted.y_zero, *clamp)
    if not c.signs:
        way = _plain_way(c, gain, moved, (lowest, highest), where)
        check_equal(golden_way, [way], lowest, highest, where)
        return
    ways = []
    for low in (0, -1) if np.any(unused) else (0,):
        some_moved = np.where(unused, low, moved)
        check_packed_range(c.table, gain, some_moved, lowest, highest, where)
        ways += [packed(c.table, gain, some_moved, *c.clamp, sign) for sign in c.signs]
    check_equal(golden_way, ways, lowest, highest, where)


def _gains(sums: Sums, unused: Ints, where: str) -> Ints:
    """How many times TFLM's weights the kernel's are, channel by channel; 0 where they are zeros, or make no difference."""
    ours, theirs = sums.ours, sums.theirs
    none = unused | ~np.any(ours, axis=1)
    largest = np.argmax(np.abs(theirs), axis=1)[:, None] if theirs.shape[1] else np.zeros((len(theirs), 0), np.int64)
    top, bottom = (np.take_along_axis(each, largest, axis=1).sum(axis=1) for each in (ours, theirs))
    gain = np.where(none | (bottom == 0), 0, top // np.where(bottom == 0, 1, bottom))
    different = (ours != gain[:, None] * theirs) & ~none[:, None]
    wrong = np.any(different, axis=1) | ((gain < 1) & ~none)
    if np.any(wrong):
        channel = int(np.argmax(wrong))
        tap = int(np.argmax(different[channel]))
        raise Refused(
            f"{where}, channel {channel}, weight {tap}: {ours[channel, tap]} in C, {theirs[channel, tap]} in the .tflite"
        )
    return gain


def _plain_way(c: Linear, gain: Ints, moved: Ints, ends: tuple[Ints, Ints], where: str) -> Function:
    """output_s8 of requantize.h, of gain * a + moved."""
    multiplier, shift, zero = (c.table[:, k] for k in range(3))
    fits = bool(np.all((shift >= -31) & (shift <= 30) & (multiplier >= 0))) and len(set(zero.tolist())) == 1
    require(fits, f"{where}: a multiplier or a shift out of range")
    for sums in ends:
        largest = np.abs(gain * sums + moved).max()
        require(int(largest) <= INT32_MAX, f"{where}: a sum leaves 32 bits")
        shifted = (np.abs(gain * sums + moved) << np.maximum(shift, 0)) + 256
        require(int(shifted.max()) <= INT32_MAX, f"{where}: a shifted sum leaves 32 bits")
    way = stage(multiplier, shift, int(zero[0]), *c.clamp)
    return lambda sums: way(gain[:, None] * sums + moved[:, None])


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
