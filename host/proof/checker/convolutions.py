"""One call of a kernel for sums of products: that it makes some rows of what the model's ops make.

The lemmas are those of docs/proof.md: "views", "sums", "constant channels", "steps", "pooling", "order".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .arithmetic import INT32_MAX, Function, Ints, check_equal, check_packed_range, ints, packed, stage
from .c_source import Pointer
from .findings import Refused, require
from .golden import Golden
from .kernels import Linear
from .memory import Memory, check_apart, overlap
from .ops import Convolution, Window, channel_bounds
from .params import Geometry
from .views import Seen, Task, check_views, places_of


def check_convolution(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], c: Linear) -> None:
    """Refuse a call that does not make the bytes of its task; else its labels are in the memory."""
    op = task.ops[0]
    golden.require_covered(op)
    require(op.index in golden.convolutions, f"{task.where}: no sum of products")
    wanted = golden.convolutions[op.index]
    if op.name == "FULLY_CONNECTED":
        wanted = _as_pixels(wanted, c)
    c = _as_line(_one_by_one(c, len(task.channels), task.where), wanted)
    require(len(task.channels) == c.geometry.y_c, f"{task.where}: another number of channels")
    without = op.name == "FULLY_CONNECTED" and all(np.all(view >= 0) for view in c.views())  # an outside
    require(without or c.x_zero == wanted.x_zero, f"{task.where}: another zero point of its input")
    rows, columns, y_shape, clamp = places_of(golden, task, wanted, c)
    x = _read(memory, task, at, c)
    seen_ = check_views(golden, task, wanted, c, x, (rows, columns))
    check_sums(golden, task, wanted, c, seen_, clamp)
    _write(golden, memory, task, at, c, y_shape)


def _as_pixels(wanted: Convolution, c: Linear) -> Convolution:
    """A dense layer's rows as the pixels of an image, in the same order and of the kernel's shape."""
    h, w, _ = c.x_shape
    if h * w != wanted.x_shape[0]:
        return wanted
    alone = Window(ints(np.arange(h))[:, None], ints(np.arange(w))[:, None])
    return replace(wanted, x_shape=(h, w, wanted.x_shape[2]), y_shape=(h, w, wanted.y_shape[2]), window=alone)


def _as_line(c: Linear, wanted: Convolution) -> Linear:
    """Lemma "lines": a column lies in memory as a row does; where the kernel has one, the model the other, turned."""
    g, (h, w, _) = c.geometry, wanted.x_shape
    (y_h, k_h), (y_w, k_w) = wanted.window.rows.shape, wanted.window.columns.shape
    # An image of which the model sees one column or row may have been cut to it.
    is_column = w == 1 < h or g.y_w > y_w or g.k_w > k_w
    is_row = h == 1 < w or g.y_h > y_h or g.k_h > k_h
    row, column = (g.x_h, g.y_h, g.k_h) == (1, 1, 1), (g.x_w, g.y_w, g.k_w) == (1, 1, 1)
    other_way = (is_column and row) or (is_row and column)
    if not other_way or (c.pool and min(c.pool.k_h, c.pool.k_w) > 1) or c.own_views:
        return c
    x_sizes, pads = (each and (each[1], each[0]) for each in (c.x_sizes, c.pads))
    pool, weights = _turned(c.pool) if c.pool else None, c.weights.swapaxes(1, 2)
    return replace(c, geometry=_turned(g), pool=pool, weights=weights, x_sizes=x_sizes, pads=pads)


def _turned(g: Geometry) -> Geometry:
    image = (g.x_w, g.x_h, g.x_c, g.y_w, g.y_h, g.y_c)
    return Geometry(*image, g.k_w, g.k_h, g.stride_w, g.stride_h, g.dilation_w, g.dilation_h, g.pad_w, g.pad_h)


def _one_by_one(c: Linear, filters: int, where: str) -> Linear:
    """Lemma "pixels as channels": some pixels of y side by side lie in memory as the channels of one do."""
    g = c.geometry
    pixels = g.y_c // max(filters, 1)
    alone = c.pool is None and c.sees is None and g.dilation_w == 1 and g.y_c == pixels * filters
    if pixels < 2 or not alone or g.stride_w % pixels:
        return c
    step = g.stride_w // pixels
    k_w = g.k_w - (pixels - 1) * step
    require(k_w > 0, f"{where}: a window smaller than its pixels")
    weights = c.weights.reshape(pixels, filters, *c.weights.shape[1:])
    wanted = np.zeros_like(weights)
    for k in range(pixels):
        wanted[k, :, :, k * step : k * step + k_w] = weights[0, :, :, :k_w]
    outputs = np.column_stack([c.bias, c.table]).reshape(pixels, filters, -1)
    same = np.array_equal(weights, wanted) and bool(np.all(outputs == outputs[0]))
    require(same, f"{where}: not all of its pixels have the same filters")
    geometry = replace(g, y_w=pixels * g.y_w, y_c=filters, k_w=k_w, stride_w=step)
    one = replace(c, geometry=geometry, weights=weights[0, :, :, :k_w], pixels=c.pixels * pixels)
    return replace(one, bias=c.bias[:filters], table=c.table[:filters])


def _read(memory: Memory, task: Task, at: tuple[Pointer, ...], c: Linear) -> Ints:
    require(len(at) == (3 if c.scratch_bytes else 2), f"{task.where}: another number of arguments")
    h, w, x_c = c.x_shape
    return memory.read(at[1], h * w * x_c, task.where).reshape(h, w, x_c)


@dataclass(frozen=True, eq=False)
class Sums:
    """The weights of both sides for what varies, (y_c, taps * channels), and what constant channels add to each sum."""

    ours: Ints
    theirs: Ints
    of_all: tuple[Ints, Ints]  # those of constant channels too
    our_constant: Ints  # (y_c, kinds of places): of x * weight, with the zero point outside
    their_constant: Ints  # of (x - zero point) * weight, nothing outside


def _sums(golden: Golden, task: Task, wanted: Convolution, c: Linear, seen_: Seen) -> Sums:
    """Lemma "constant channels": what has one byte for every input adds a number that depends on the place alone."""
    low, high = channel_bounds(golden.ranges(wanted.x), wanted.x_shape)
    weights = wanted.weights[task.channels][:, seen_.taps[0]][:, :, seen_.taps[1]]
    y_c, kept, zero = len(weights), seen_.channels, wanted.x_zero
    if wanted.sees is None:
        require(c.sees is None or len(low) == 1, f"{task.where}: channels are not summed up")
        gone = np.setdiff1d(np.arange(wanted.x_shape[2]), kept)
        uses = np.any(np.where((low == high)[kept], 0, c.weights), axis=(1, 2, 3)) & (c.table[:, 0] != 0)  # else k = 0
        matters = np.any(weights[uses][..., gone] != 0, axis=(0, 1, 2))
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
    theirs_all = theirs
    ours, theirs = (np.where(same, 0, each).reshape(y_c, -1) for each in (c.weights, theirs))
    of_all = c.weights.reshape(y_c, -1), theirs_all.reshape(y_c, -1)
    return Sums(ours, theirs, of_all, our_constant, _at_places(inside[1], seen_.masks))


def _at_places(taps: Ints, masks: tuple[Ints, Ints]) -> Ints:
    """(y_c, k_h, k_w) summed up over what is inside, for each kind of place: (y_c, kinds)."""
    return ints(np.einsum("okl,rk,cl->orc", taps, *masks).reshape(len(taps), -1))


def check_sums(golden: Golden, task: Task, wanted: Convolution, c: Linear, seen_: Seen, clamp: tuple[int, int]) -> None:
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
    """How many times TFLM's weights the kernel's are, channel by channel; 0 where they make no difference."""
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
        both = f"{ours[channel, tap]} in C, {theirs[channel, tap]} in the .tflite"
        raise Refused(f"{where}, channel {channel}, weight {tap}: {both}")
    every, all_theirs = sums.of_all
    constant = ~np.any(ours, axis=1) & ~np.any(theirs, axis=1) & ~unused
    ratio = np.abs(every).max(axis=1, initial=0) // np.maximum(np.abs(all_theirs).max(axis=1, initial=0), 1)
    same = np.all(every == ratio[:, None] * all_theirs, axis=1)
    return np.where(constant & same, ratio, gain)


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
        _check_order(task, at, c, shape)
    y = task.ops[-1].outputs[0]
    image = golden.labels[y].reshape(
        -1, *_image(golden, task, y, (shape[0], shape[1], golden.model.tensors[y].shape[-1]))
    )
    memory.write(
        at[0], image[0, task.row : task.row + shape[0], : shape[1]][..., task.channels].reshape(-1), task.where
    )


def _image(golden: Golden, task: Task, y: int, made: tuple[int, int, int]) -> tuple[int, int, int]:
    shape = golden.model.tensors[y].shape
    return (made[0], made[1], shape[-1]) if task.ops[-1].name == "FULLY_CONNECTED" else (shape[1], shape[2], shape[3])


def _check_order(task: Task, at: tuple[Pointer, ...], c: Linear, shape: tuple[int, int, int]) -> None:
    if c.in_place and at[0] == at[1]:
        return
    g, pool, pixels = c.geometry, c.pool, shape[0] * shape[1]
    together = c.pixels or c.band * shape[1]
    require(together > 0, f"{task.where}: its output overlaps its input")
    across, before = ((pool.stride_h, pool.stride_w), (pool.pad_h, pool.pad_w)) if pool else ((1, 1), (0, 0))
    sides = ((g.stride_h, g.pad_h, g.x_h), (g.stride_w, g.pad_w, g.x_w))
    row, column = (  # the first that each row and column of y sees
        np.clip(np.maximum(np.arange(shape[k]) * across[k] - before[k], 0) * stride - pad, 0, x)
        for k, (stride, pad, x) in enumerate(sides)
    )
    first = at[1].offset + ((row[:, None] * g.x_w + column) * g.x_c).ravel()
    still_read = np.minimum.accumulate(first[::-1])[::-1]  # by that pixel or a later one
    for n in range(0, pixels, together):
        clear = at[0].offset + min(n + together, pixels) * shape[2] <= still_read[n]
        require(bool(clear), f"{task.where}: pixel {n} of its output overwrites what it still reads")
