"""Calls of kernels that are no sums of products: poolings, sums of two tensors, softmax, and moves of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .arithmetic import INT32_MAX, Ints, divide_by_pot, exp_on_negative, high_mul, ints, quantize_multiplier, requantize
from .c_source import Pointer
from .findings import NotCovered, Refused, require
from .golden import CONSTANT, Golden
from .memory import Memory, check_apart, overlap
from .ops import addition, one_scale, pool_clamp, seen, window
from .params import Params
from .views import Task

OUTSIDE = -2  # the label of what a pooling leaves out
BYTES = ints(np.arange(-128, 128))


def arguments(at: tuple[Pointer, ...], count: int, where: str) -> None:
    """Refuse a call with another number of buffers."""
    require(len(at) == count, f"{where}: another number of arguments")


def part_of(golden: Golden, task: Task, y: int, labels: Ints, rows: int, columns: int | None = None) -> Ints:
    """The rows and channels of a task out of labels in the shape of tensor y, flat; of other than images all."""
    shape = golden.model.tensors[y].shape
    if len(shape) != 4 or shape[0] != 1:
        require(task.row == 0, f"{task.where}: a part of no image")
        return labels[..., task.channels].reshape(-1)
    require(task.row + rows <= shape[1], f"{task.where}: rows beyond the op's output")
    return labels[0, task.row : task.row + rows, :columns][..., task.channels].reshape(-1)


def pooling(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """MAX_POOL_2D and AVERAGE_POOL_2D: the same windows, whose part outside counts for nothing, and the same clamp."""
    arguments(at, 2, task.where)
    op, g = task.ops[0], p.window("window")
    require(
        len(task.ops) == 1 and op.name == ("MAX_POOL_2D" if task.kernel.startswith("max") else "AVERAGE_POOL_2D"),
        f"{task.where}: {op.where} is another op",
    )
    x, y = op.inputs[0], op.outputs[0]
    x_shape, y_shape = golden.model.tensors[x].shape, golden.model.tensors[y].shape
    if op.index in golden.uncovered:
        raise NotCovered(golden.uncovered[op.index])
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
    labels = part_of(golden, task, y, golden.labels[y], g.y_h, g.y_w)
    check_apart([(at[0], labels.size), (at[1], image.size)], task.where)
    memory.write(at[0], labels, task.where)


def loops(p: Params) -> tuple[Ints, list[tuple[int, int, int, int]]]:
    """A loop_nest: the innermost (count, step in a, step in b), and the starts (a, b) of every run of it in order."""
    count = p.number("count")
    require(1 <= count <= 6, f"{p.where}: a nest of {count} loops")
    table = p.table("table", 4, count, 3)
    require(int(table[:, 0].min()) > 0, f"{p.where}: a loop without rounds")
    starts = [(0, 0)]
    for rounds, a, b in table[:-1].tolist():
        starts = [(x + k * a, y + k * b) for x, y in starts for k in range(rounds)]
        require(len(starts) <= 10**6, f"{p.where}: too many loops")
    rounds, a, b = table[-1].tolist()
    return table, [(x, y, a, b) for x, y in starts]


def indexes(p: Params) -> tuple[Ints, Ints]:
    """Where in a and in b each element in order lies."""
    table, runs = loops(p)
    steps = np.arange(table[-1, 0])
    a, b = (np.concatenate([run[k] + run[k + 2] * steps for run in runs]) for k in (0, 1))
    require(int(a.min()) >= 0 and int(b.min()) >= 0, f"{p.where}: its loops go below the start")
    return a, b


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


def fill(memory: Memory, where: str, at: tuple[Pointer, ...], p: Params) -> None:
    """fill_s8."""
    arguments(at, 1, where)
    value, count = p.number("value"), p.number("count")
    require(-128 <= value <= 127 and count > 0, f"{where}: it fills with {value}")
    memory.write(at[0], np.full(count, CONSTANT + value), where)


def sum_of_two(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """ADD: the labels of both operands, and the bytes of all pairs of bytes."""
    arguments(at, 3, task.where)
    op = task.ops[0]
    require(len(task.ops) == 1 and op.name == "ADD", f"{task.where}: {op.where} is no sum")
    if op.index in golden.uncovered:
        raise NotCovered(golden.uncovered[op.index])
    y = op.outputs[0]
    y_shape = golden.model.tensors[y].shape
    a, b = indexes(p.part("loops"))
    per_row = y_shape[2] * len(task.channels) if len(y_shape) == 4 else max(a.size, 1)
    require(a.size % per_row == 0, f"{task.where}: no whole rows")
    rows = a.size // per_row
    labels = part_of(golden, task, y, golden.labels[y], rows)
    require(labels.size == a.size, f"{task.where}: another number of elements")
    mine = [memory.read(at[k + 1], int(index.max()) + 1, task.where)[index] for k, index in enumerate((a, b))]
    theirs = [part_of(golden, task, y, np.broadcast_to(golden.labels[x], y_shape), rows) for x in op.inputs]
    function, ours = addition(golden.model, op), _packed_sum(p) if p.kind == "add_packed_params" else _plain_sum(p)
    straight = all(np.array_equal(one, other) for one, other in zip(mine, theirs, strict=True))
    crossed = all(np.array_equal(one, other) for one, other in zip(mine, theirs[::-1], strict=True))
    require(straight or crossed, f"{task.where}: its operands are not the op's")
    wanted = function(BYTES[:, None], BYTES) if straight else function(BYTES, BYTES[:, None])
    got = ours(BYTES[:, None], BYTES)
    if not np.array_equal(wanted, got):
        i, j = np.argwhere(wanted != got)[0]
        raise Refused(f"{task.where}: {BYTES[i]} and {BYTES[j]} give {got[i, j]}, and TFLM's {wanted[i, j]}")
    for k, index in enumerate((a, b)):
        in_place = at[0] == at[k + 1] and np.array_equal(index, np.arange(index.size))
        apart = not overlap(at[0], labels.size, at[k + 1], int(index.max()) + 1)
        require(in_place or apart, f"{task.where}: its output overwrites what it still reads")
    memory.write(at[0], labels, task.where)


def _within(values: Ints, where: str) -> Ints:
    require(int(np.abs(values).max()) <= INT32_MAX, f"{where}: a number leaves 32 bits")
    return values


def _scaled(p: Params, doubled: Ints) -> Ints:
    """packed_scaled of dsp/packed.h."""
    shift, value = p.number("shift"), _within(doubled + p.number("bias"), p.where)
    require(0 <= shift <= 31, f"{p.where}: a shift of {shift}")
    product = (value * p.number("multiplier") + 2**31) >> 32
    return _within(product - (product < 0) + p.number("offset"), p.where) >> shift


def _packed_sum(p: Params) -> Callable[[Ints, Ints], Ints]:
    def function(a: Ints, b: Ints) -> Ints:
        finer = _scaled(p.part("a"), _within(a * p.number("a_factor"), p.where))
        total = _within(finer * p.number("a_sign") + _within(b * p.number("b_factor"), p.where), p.where)
        value = _scaled(p.part("y"), _within(2 * total, p.where))
        return np.clip(np.clip(value, -128, 127), *p.clamp)

    return function


def _plain_sum(p: Params) -> Callable[[Ints, Ints], Ints]:
    def scaled(part: Params, value: Ints) -> Ints:
        multiplier, shift = part.number("multiplier"), part.number("shift")
        require(multiplier >= 0 and -31 <= shift <= 30, f"{p.where}: a multiplier or a shift out of range")
        _within(value << max(shift, 0), p.where)
        return ints(requantize(value, multiplier, shift))

    def operand(name: str, value: Ints) -> Ints:
        return scaled(p.part(name), _within((value - p.part(name).number("zero_point")) << 20, p.where))

    def function(a: Ints, b: Ints) -> Ints:
        total = _within(operand("a", a) + p.number("b_sign") * operand("b", b), p.where)
        return np.clip(scaled(p, total) + p.byte("y_zero_point"), *p.clamp)

    return function


def softmax(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """SOFTMAX: the table holds TFLM's exponential of every difference; what follows is TFLM's own arithmetic."""
    arguments(at, 2, task.where)
    op, rows, x_c = task.ops[0], p.number("rows"), p.number("x_c")
    alone = len(task.ops) == 1 and task.row == 0 and len(task.channels) == x_c
    require(alone and op.name == "SOFTMAX", f"{task.where}: {op.where} is no softmax, or not all of it")
    x, y = golden.model.tensors[op.inputs[0]], golden.model.tensors[op.outputs[0]]
    (x_scale, _), (y_scale, y_zero) = one_scale(x), one_scale(y)
    real = min(float(op.options.get("beta", 0)) * x_scale * 2**26, 2.0**31 - 1)
    if (y_scale, y_zero) != (1 / 256, -128) or real <= 1 or x_c >= 512:
        raise NotCovered("a softmax of other scales, or of 512 classes and more")
    multiplier, shift = quantize_multiplier(real)
    radius = math.floor(31 * 2**26 / 2**shift)
    count = p.number("exp_count")
    require(0 < count <= 256, f"{task.where}: a table of {count}")
    table = p.table("exp", 4, count)
    for d in range(256):
        wanted = exp_on_negative(int(high_mul(-d << shift, multiplier))) if d <= radius else 0
        got = int(table[d]) if d < count else 0
        require(wanted == got, f"{task.where}: exp({-d}) is {got} in its table, and TFLM's {wanted}")
        require(divide_by_pot(wanted, 12) >= 0, f"{task.where}: exp({-d}) is negative")
    require(
        x.shape == y.shape and (rows, x_c) == (int(np.prod(x.shape[:-1])), x.shape[-1]), f"{task.where}: other rows"
    )
    labels = memory.read(at[1], rows * x_c, task.where)
    require(np.array_equal(labels, golden.labels[x.index].reshape(-1)), f"{task.where}: its input is not the op's")
    check_apart([(at[0], rows * x_c), (at[1], rows * x_c)], task.where)
    memory.write(at[0], golden.labels[y.index].reshape(-1), task.where)
