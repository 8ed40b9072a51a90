"""Calls of kernels that are no sums of products: poolings, resizings, means, largest bytes, and moves of bytes."""

from __future__ import annotations

import numpy as np

from .arithmetic import INT32_MAX, Ints, check_equal, ints, stage
from .c_source import Pointer
from .findings import require
from .golden import CONSTANT, Golden
from .memory import Memory, check_apart, overlap
from .ops import bilinear, pool_clamp, seen, window
from .params import Params
from .parts import arguments, indexes, loops, part_of
from .sums import mean as mean_of
from .sums import reduced_axes
from .views import Task

OUTSIDE = -2  # the label of what a pooling leaves out


def pooling(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """MAX_POOL_2D and AVERAGE_POOL_2D: the same windows, whose part outside counts for nothing, and the same clamp."""
    arguments(at, 2, task.where)
    op, g = task.ops[0], p.window("window")
    golden.require_covered(op)
    if op.name == "REDUCE_MAX":
        _largest(golden, memory, task, at, p)
        return
    name = "MAX_POOL_2D" if task.kernel.startswith("max") else "AVERAGE_POOL_2D"
    require(len(task.ops) == 1 and op.name == name, f"{task.where}: {op.where} is another op")
    x, y = op.inputs[0], op.outputs[0]
    x_shape, y_shape = golden.model.tensors[x].shape, golden.model.tensors[y].shape
    theirs = window(op, x_shape, y_shape, (op.options["k_h"], op.options["k_w"]))
    rows = seen(g.y_h, g.k_h, g.stride_h, 1, g.pad_h, g.x_h)
    columns = seen(g.y_w, g.k_w, g.stride_w, 1, g.pad_w, g.x_w)
    right = (g.dilation_h, g.dilation_w) == (1, 1) and g.x_c == g.y_c == len(task.channels)
    right = right and g.k_w <= 255 and g.k_h * g.k_w <= 2**23  # what the kernels' sums hold
    require(
        right and (g.k_h, g.k_w) == theirs.rows.shape[1:] + theirs.columns.shape[1:], f"{task.where}: other windows"
    )
    image = memory.read(at[1], g.x_h * g.x_w * g.x_c, task.where).reshape(g.x_h, g.x_w, g.x_c)
    wanted = golden.labels[x][0][..., task.channels]
    mine, whole = (np.pad(each, ((0, 1), (0, 1), (0, 0)), constant_values=OUTSIDE) for each in (image, wanted))
    fits = task.row + g.y_h <= y_shape[1] and g.y_w <= y_shape[2]
    require(fits, f"{task.where}: rows or columns beyond the op's output")
    for k in range(g.y_h):
        same = whole[theirs.rows[task.row + k]][:, theirs.columns[: g.y_w]] == mine[rows[k]][:, columns]
        require(bool(np.all(same)), f"{task.where}: output row {k} does not see what the op sees there")
    require(p.clamp == pool_clamp(golden.model, op), f"{task.where}: another clamp")
    require(task.columns in (None, g.y_w), f"{task.where}: another number of columns")
    labels = part_of(golden, task, y, golden.labels[y], g.y_h)
    check_apart([(at[0], labels.size), (at[1], image.size)], task.where)
    memory.write(at[0], labels, task.where)


def _largest(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """REDUCE_MAX by a max pooling: each window wholly inside, and its bytes those that the op takes together."""
    op, g = task.ops[0], p.window("window")
    rows, columns = seen(g.y_h, g.k_h, g.stride_h, 1, g.pad_h, g.x_h), seen(g.y_w, g.k_w, g.stride_w, 1, g.pad_w, g.x_w)
    right = len(task.ops) == 1 and task.kernel.startswith("max") and (g.dilation_h, g.dilation_w) == (1, 1)
    right = right and g.x_c == g.y_c and p.clamp == (-128, 127)
    require(
        right and min(int(rows.min()), int(columns.min())) >= 0, f"{task.where}: it is not the largest of its input"
    )
    pixels = rows[:, None, :, None] * g.x_w + columns[:, None]  # (y_h, y_w, k_h, k_w)
    places = np.moveaxis(pixels[..., None] * g.x_c + np.arange(g.x_c), -1, 2).reshape(-1, g.k_h * g.k_w)
    labels = _taken_together(golden, memory, task, at[1], places, reduced_axes(golden.model, op))
    check_apart([(at[0], labels.size), (at[1], g.x_h * g.x_w * g.x_c)], task.where)
    memory.write(at[0], labels, task.where)


def copy(memory: Memory, where: str, at: tuple[Pointer, ...], p: Params) -> None:
    """copy_s8, run by run as it goes: bytes side by side by memcpy, whose two sides must not overlap."""
    arguments(at, 2, where)
    table, runs = loops(p.part("loops"))
    count = int(table[-1, 0])
    for x, y, a, b in runs:
        x, y = x + p.number("x_start"), y + p.number("y_start")
        low, high = (min(start, start + step * (count - 1)) for start, step in ((x, a), (y, b)))
        require(min(low, high) >= 0, f"{where}: its loops go below the start")
        of, to = Pointer(at[1].base, at[1].offset + low), Pointer(at[0].base, at[0].offset + high)
        sizes = [abs(step) * (count - 1) + 1 for step in (a, b)]
        require(not overlap(of, sizes[0], to, sizes[1]), f"{where}: it copies bytes onto others that it still copies")
        labels, there = memory.read(of, sizes[0], where), memory.read(to, sizes[1], where)
        steps = np.arange(count)
        there[y + b * steps - high] = labels[x + a * steps - low]
        memory.write(to, there, where)


def resize_nearest(memory: Memory, where: str, at: tuple[Pointer, ...], p: Params) -> None:
    """resize_nearest_s8: pixel by pixel from where its row and its column begin."""
    arguments(at, 2, where)
    h, w, c = (p.number(name) for name in ("y_h", "y_w", "x_c"))
    require(min(h, w, c) > 0, f"{where}: an image without pixels")
    rows, columns = p.table("rows", 4, h), p.table("columns", 4, w)
    places = rows[:, None, None] + columns[:, None] + np.arange(c)
    require(int(places.min()) >= 0, f"{where}: it begins before its input")
    size = int(places.max()) + 1
    check_apart([(at[0], places.size), (at[1], size)], where)
    memory.write(at[0], memory.read(at[1], size, where)[places].reshape(-1), where)


def resize_bilinear(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """RESIZE_BILINEAR: the same four pixels at the same distances; what follows is TFLM's arithmetic in 28 bits."""
    arguments(at, 2, task.where)
    op, sizes = task.ops[0], [p.number(name) for name in ("y_h", "y_w", "x_c")]
    golden.require_covered(op)
    x_shape, y_shape = (golden.model.tensors[k].shape for k in (op.inputs[0], op.outputs[0]))
    n, h, w, c = y_shape
    alone = len(task.ops) == 1 and op.name == "RESIZE_BILINEAR" and task.row == 0 and len(task.channels) == c
    require(alone, f"{task.where}: {op.where} is no bilinear resizing, or not all of it")
    require(sizes == [n * h, w, c], f"{task.where}: an image of another size")
    rows, columns = p.table("rows", 4, n * h, 3), p.table("columns", 4, w, 3)
    begins = [rows[:, k, None, None] + columns[:, j, None] + np.arange(c) for k in (0, 1) for j in (0, 1)]
    require(min(int(each.min()) for each in begins) >= 0, f"{task.where}: it begins before its input")
    size = 1 + max(int(each.max()) for each in begins)
    mine = memory.read(at[1], size, task.where)
    down, right = (bilinear(y_shape[k], x_shape[k], op.options) for k in (1, 2))
    ways = np.array_equal(np.tile(down[:, 2], n), rows[:, 2]) and np.array_equal(right[:, 2], columns[:, 2])
    require(ways, f"{task.where}: other distances between its pixels")
    image = golden.labels[op.inputs[0]]
    for k, places in enumerate(begins):
        theirs = image[:, down[:, k // 2]][:, :, right[:, k % 2]].reshape(n * h, w, c)
        require(np.array_equal(theirs, mine[places]), f"{task.where}: it takes other pixels than the op")
    labels = part_of(golden, task, op.outputs[0], golden.labels[op.outputs[0]], h)
    check_apart([(at[0], labels.size), (at[1], size)], task.where)
    memory.write(at[0], labels, task.where)


def fill(memory: Memory, where: str, at: tuple[Pointer, ...], p: Params) -> None:
    """fill_s8."""
    arguments(at, 1, where)
    value, count = p.number("value"), p.number("count")
    require(-128 <= value <= 127 and count > 0, f"{where}: it fills with {value}")
    memory.write(at[0], np.full(count, CONSTANT + value), where)


def mean(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """MEAN and SUM: the labels that each output sums up, in any order, and the way from a sum to a byte."""
    arguments(at, 2, task.where)
    op = task.ops[0]
    golden.require_covered(op)
    require(len(task.ops) == 1 and op.name in ("MEAN", "SUM"), f"{task.where}: {op.where} is no mean")
    wanted = mean_of(golden.model, op)
    places = indexes(p.part("outputs"))[0][:, None] + indexes(p.part("window"))[0]
    labels = _taken_together(golden, memory, task, at[1], places, wanted.axes)
    zero, (multiplier, shift) = p.number("x_zero_points"), (p.number("multiplier"), p.number("shift"))
    require(multiplier >= 0 and -31 <= shift <= 30, f"{task.where}: a multiplier or a shift out of range")
    ends = ints([-128 * wanted.count]), ints([127 * wanted.count])
    for end in ends:
        require(abs(int(end[0]) - zero) << max(shift, 0) <= INT32_MAX - 256, f"{task.where}: a sum leaves 32 bits")
    way = stage(ints([multiplier]), ints([shift]), p.byte("y_zero_point"), -128, 127)
    check_equal(wanted.way, [lambda sums: way(sums - zero)], *ends, task.where)
    check_apart([(at[0], labels.size), (at[1], int(places.max()) + 1)], task.where)
    memory.write(at[0], labels, task.where)


def extremum(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """REDUCE_MAX and REDUCE_MIN: the labels of which each output is the largest or the smallest, in any order."""
    arguments(at, 2, task.where)
    op = task.ops[0]
    golden.require_covered(op)
    require(
        len(task.ops) == 1 and op.name in ("REDUCE_MAX", "REDUCE_MIN"), f"{task.where}: {op.where} is no largest byte"
    )
    places = indexes(p.part("outputs"))[0][:, None] + indexes(p.part("window"))[0]
    labels = _taken_together(golden, memory, task, at[1], places, reduced_axes(golden.model, op))
    require(p.number("sign") == (1 if op.name == "REDUCE_MAX" else -1), f"{task.where}: the other end")
    check_apart([(at[0], labels.size), (at[1], int(places.max()) + 1)], task.where)
    memory.write(at[0], labels, task.where)


def _taken_together(
    golden: Golden, memory: Memory, task: Task, x: Pointer, places: Ints, axes: tuple[int, ...]
) -> Ints:
    """The labels of a call's outputs; refused where places (outputs, n) hold others than the op takes."""
    of, y = golden.labels[task.ops[0].inputs[0]], task.ops[0].outputs[0]
    shape = golden.model.tensors[y].shape
    labels = part_of(golden, task, y, golden.labels[y], shape[1] if len(shape) > 1 else 0)
    kept = [size for axis, size in enumerate(of.shape) if axis not in axes]
    theirs = np.moveaxis(of, axes, range(-len(axes), 0)).reshape(*kept, -1)
    theirs = theirs[..., task.channels, :] if of.ndim - 1 not in axes else theirs
    mine = memory.read(x, int(places.max()) + 1, task.where)[places]
    same = np.array_equal(np.sort(mine, axis=1), np.sort(theirs.reshape(-1, theirs.shape[-1]), axis=1))
    require(same and labels.size == len(places), f"{task.where}: it takes other elements than the op")
    return labels
