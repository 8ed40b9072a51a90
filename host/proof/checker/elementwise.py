"""Calls that make each byte of one byte of each operand, and go through them in one order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import byte_functions
from .arithmetic import INT32_MAX, Ints, ints, requantize
from .byte_functions import BYTES, OF_TWO
from .c_source import Pointer
from .findings import NotCovered, Refused, require
from .followed import UNDEFINED, is_undefined, origins, table_of
from .golden import Golden
from .memory import Memory, check_forward
from .params import Params
from .parts import arguments, indexes, loops, part_of, rows_in
from .views import Task


def of_two(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """Functions of two bytes: the labels of both operands, and the results of all 65,536 pairs."""
    arguments(at, 3, task.where)
    op = task.ops[0]
    alone = len(task.ops) == 1 and op.name in OF_TWO
    require(alone, f"{task.where}: {op.where} is no function of two bytes")
    golden.require_covered(op)
    y = op.outputs[0]
    y_shape = golden.model.tensors[y].shape
    a, b = indexes(p.part("loops"))
    rows = rows_in(golden, task, y, a.size)
    labels = part_of(golden, task, y, golden.labels[y], rows)
    require(labels.size == a.size, f"{task.where}: another number of elements")
    mine = [memory.read(at[k + 1], int(index.max()) + 1, task.where)[index] for k, index in enumerate((a, b))]
    theirs = [part_of(golden, task, y, np.broadcast_to(golden.labels[x], y_shape), rows) for x in op.inputs]
    function, ours = byte_functions.of_two(golden.model, op), FORMS[task.kernel](p)
    straight = all(np.array_equal(one, other) for one, other in zip(mine, theirs, strict=True))
    crossed = all(np.array_equal(one, other) for one, other in zip(mine, theirs[::-1], strict=True))
    require(straight or crossed, f"{task.where}: its operands are not the op's")
    wanted = function(BYTES[:, None], BYTES) if straight else function(BYTES, BYTES[:, None])
    got = ours(BYTES[:, None], BYTES)
    if not np.array_equal(wanted, got):
        i, j = np.argwhere(wanted != got)[0]
        raise Refused(f"{task.where}: {BYTES[i]} and {BYTES[j]} give {got[i, j]}, and TFLM's {wanted[i, j]}")
    for k, index in enumerate((a, b)):
        check_forward(at[0], at[k + 1], index, task.where)
    memory.write(at[0], labels, task.where)


def _within(values: Ints, where: str) -> Ints:
    require(int(np.abs(values).max()) <= INT32_MAX, f"{where}: a number leaves 32 bits")
    return values


def _scaled(p: Params, doubled: Ints, of_sum: bool = False) -> Ints:
    """packed_scaled of dsp/packed.h; of_sum: what is negative is seen in the number and not in its product."""
    shift, value = p.number("shift"), _within(doubled + p.number("bias"), p.where)
    require(0 <= shift <= 31, f"{p.where}: a shift of {shift}")
    product = (value * p.number("multiplier") + 2**31) >> 32
    below = (value if of_sum else product) < 0
    return _within(product - below + p.number("offset"), p.where) >> shift


def _without_bias(p: Params) -> Params:
    require(p.number("bias") == 0, f"{p.where}: a bias, which the kernel does not add")
    return p


def _packed_sum(p: Params, of_sum: bool = False) -> Callable[[Ints, Ints], Ints]:
    def function(a: Ints, b: Ints) -> Ints:
        finer = _scaled(p.part("a"), _within(a * p.number("a_factor"), p.where), of_sum)
        total = _within(finer * p.number("a_sign") + _within(b * p.number("b_factor"), p.where), p.where)
        value = _scaled(p.part("y"), _within(2 * total, p.where), of_sum)
        return np.clip(np.clip(value, -128, 127), *p.clamp)

    return function


def _requantized(part: Params, value: Ints) -> Ints:
    """What the part's multiplier and shift make of sums."""
    multiplier, shift = part.number("multiplier"), part.number("shift")
    require(multiplier >= 0 and -31 <= shift <= 30, f"{part.where}: a multiplier or a shift out of range")
    _within(value << max(shift, 0), part.where)
    return ints(requantize(value, multiplier, shift))


def _plain_sum(p: Params) -> Callable[[Ints, Ints], Ints]:
    def operand(name: str, value: Ints) -> Ints:
        return _requantized(p.part(name), _within((value - p.part(name).number("zero_point")) << 20, p.where))

    def function(a: Ints, b: Ints) -> Ints:
        total = _within(operand("a", a) + p.number("b_sign") * operand("b", b), p.where)
        return np.clip(_requantized(p, total) + p.byte("y_zero_point"), *p.clamp)

    return function


def _plain_product(p: Params) -> Callable[[Ints, Ints], Ints]:
    def function(a: Ints, b: Ints) -> Ints:
        product = _within((a - p.byte("a_zero_point")) * (b - p.byte("b_zero_point")), p.where)
        return np.clip(_requantized(p, product) + p.byte("y_zero_point"), *p.clamp)

    return function


def _plain_square(p: Params) -> Callable[[Ints, Ints], Ints]:
    def operand(name: str, value: Ints) -> Ints:
        return _requantized(p.part(name), _within((value - p.part(name).number("zero_point")) << 7, p.where))

    def function(a: Ints, b: Ints) -> Ints:
        difference = _within(operand("a", a) - operand("b", b), p.where)
        return np.clip(_requantized(p, _within(difference**2, p.where)) + p.byte("y_zero_point"), -128, 127)

    return function


def _packed_square(p: Params) -> Callable[[Ints, Ints], Ints]:
    y = _without_bias(p.part("y"))

    def function(a: Ints, b: Ints) -> Ints:
        finer = _scaled(p.part("a"), _within(a * p.number("a_factor"), p.where))
        difference = _within(_within(finer + p.number("b_offset"), p.where) - (b << 6), p.where)
        return np.clip(_scaled(y, _within(2 * difference**2, p.where)), -128, 127)

    return function


def _packed_product(p: Params) -> Callable[[Ints, Ints], Ints]:
    y = _without_bias(p.part("y"))

    def function(a: Ints, b: Ints) -> Ints:
        factor = _within(b * p.number("b_factor") + p.number("b_offset"), p.where)
        value = _scaled(y, _within((a - p.byte("a_zero_point")) * factor, p.where))
        return np.clip(np.clip(value, -128, 127), *p.clamp)

    return function


def _rectified(p: Params) -> Callable[[Ints, Ints], Ints]:
    pairs = [(p.number(f"{name}multiplier"), p.number(f"{name}shift")) for name in ("", "alpha_")]
    require(
        all(m >= 0 and -31 <= shift <= 30 for m, shift in pairs), f"{p.where}: a multiplier or a shift out of range"
    )

    def scaled(value: Ints, multiplier: int, shift: int) -> Ints:
        _within(value << max(shift, 0), p.where)
        return ints(requantize(value, multiplier, shift))

    def function(x: Ints, slope: Ints) -> Ints:
        value = x - p.byte("x_zero_point")
        above = scaled(np.maximum(value, 0), *pairs[0])
        below = scaled(np.minimum(value, 0) * (slope - p.byte("alpha_zero_point")), *pairs[1])
        return ints(np.clip(np.where(value >= 0, above, below) + p.byte("y_zero_point"), -128, 127))

    return function


def _in_rows(p: Params) -> Params:
    table, _ = loops(p.part("loops"))
    require(table[-1, 1:].tolist() == [1, 1], f"{p.where}: not for this kernel")
    return p


FORMS: dict[str, Callable[[Params], Callable[[Ints, Ints], Ints]]] = {
    "add_s8": _plain_sum,
    "add_packed_s8": _packed_sum,
    "add_helium_s8": lambda p: _packed_sum(_in_rows(p), of_sum=True),
    "mul_s8": _plain_product,
    "mul_packed_s8": _packed_product,
    "prelu_s8": _rectified,
    "squared_difference_s8": _plain_square,
    "squared_difference_packed_s8": _packed_square,
    "maximum_s8": lambda p: np.maximum,
    "minimum_s8": lambda p: np.minimum,
}


def lookup(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """lookup_s8: its table is what the last op makes of the tensor that the call reads."""
    arguments(at, 2, task.where)
    for op in task.ops:
        golden.require_covered(op)
    y, count, got = task.ops[-1].outputs[0], p.number("count"), p.table("table", 1, 256)
    shape, rows = golden.model.tensors[y].shape, rows_in(golden, task, y, count)
    labels = part_of(golden, task, y, golden.labels[y], rows)
    mine = memory.read(at[1], count, task.where)
    read = [x for x in origins(golden.model, y) if golden.labels[x].size == np.prod(shape)]
    read = [x for x in read if np.array_equal(mine, part_of(golden, task, y, golden.labels[x].reshape(shape), rows))]
    require(bool(read) and labels.size == count, f"{task.where}: its input is not the op's")
    wanted = table_of(golden.model, y, read[0])
    if is_undefined(wanted, *golden.ranges(read[0])):
        raise NotCovered("a result that TFLM leaves undefined")
    if different := np.flatnonzero((wanted != got) & (wanted != UNDEFINED)).tolist():
        k = different[0]
        raise Refused(f"{task.where}: {BYTES[k]} gives {got[k]}, and TFLM's {wanted[k]}")
    check_forward(at[0], at[1], ints(np.arange(count)), task.where)
    memory.write(at[0], labels, task.where)
