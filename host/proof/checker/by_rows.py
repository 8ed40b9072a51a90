"""Calls that make each row of their output of one row of their input, by numbers that are compared with those of
TensorFlow Lite Micro: SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION. What follows in the kernel is its arithmetic.
"""

from __future__ import annotations

import math

import numpy as np

from .arithmetic import INT32_MAX, divide_by_pot, high_mul, quantize_multiplier
from .c_source import Pointer
from .findings import NotCovered, require
from .gemmlowp import exp_on_negative
from .golden import Golden
from .memory import Memory, check_apart
from .ops import one_scale
from .params import Params
from .parts import arguments
from .tflite_model import NONE
from .views import Task


def _begin(golden: Golden, task: Task, at: tuple[Pointer, ...], p: Params, name: str) -> int:
    """Refuse a call that is not all of an op of this name; how long its rows are."""
    arguments(at, 2, task.where)
    op, rows, x_c = task.ops[0], p.number("rows"), p.number("x_c")
    golden.require_covered(op)
    alone = len(task.ops) == 1 and task.row == 0 and len(task.channels) == x_c
    require(alone and op.name == name, f"{task.where}: {op.where} is no {name}, or not all of it")
    x, y = (golden.model.tensors[k].shape for k in (op.inputs[0], op.outputs[0]))
    require(x == y and (rows, x_c) == (int(np.prod(x[:-1])), x[-1]), f"{task.where}: other rows")
    return x_c


def _end(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], in_place: bool = False) -> None:
    """The labels of its input are the op's; those of its output are then in the memory."""
    x, y = (golden.labels[k].reshape(-1) for k in (task.ops[0].inputs[0], task.ops[0].outputs[0]))
    require(np.array_equal(memory.read(at[1], x.size, task.where), x), f"{task.where}: its input is not the op's")
    if not (in_place and at[0] == at[1]):
        check_apart([(at[0], y.size), (at[1], x.size)], task.where)
    memory.write(at[0], y, task.where)


def _check_exponentials(p: Params, real: float, where: str) -> tuple[int, int]:
    """The table holds TFLM's exponential of every difference of two bytes; returns multiplier and shift of these."""
    multiplier, shift = quantize_multiplier(min(real * 2**26, 2.0**31 - 1))
    radius = math.floor(31 * 2**26 / 2**shift)
    count = p.number("exp_count")
    require(0 < count <= 256, f"{where}: a table of {count}")
    table = p.table("exp", 4, count)
    for d in range(256):
        wanted = exp_on_negative(int(high_mul(-d << shift, multiplier))) if d <= radius else 0
        got = int(table[d]) if d < count else 0
        require(wanted == got, f"{where}: exp({-d}) is {got} in its table, and TFLM's {wanted}")
        require(divide_by_pot(wanted, 12) >= 0, f"{where}: exp({-d}) is negative")
    return multiplier, shift


def softmax(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """SOFTMAX, by a table of exponentials."""
    x_c, op = _begin(golden, task, at, p, "SOFTMAX"), task.ops[0]
    (x_scale, _), (y_scale, y_zero) = (one_scale(golden.model.tensors[k]) for k in (op.inputs[0], op.outputs[0]))
    real = float(op.options.get("beta", 0)) * x_scale
    if (y_scale, y_zero) != (1 / 256, -128) or real * 2**26 <= 1 or x_c >= 512:
        raise NotCovered("a softmax of other scales, or of 512 classes and more")
    _check_exponentials(p, real, task.where)
    _end(golden, memory, task, at)


def log_softmax(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """LOG_SOFTMAX, by the same table and the numbers of `log_softmax.cc`."""
    x_c, op = _begin(golden, task, at, p, "LOG_SOFTMAX"), task.ops[0]
    (x_scale, _), (y_scale, y_zero) = (one_scale(golden.model.tensors[k]) for k in (op.inputs[0], op.outputs[0]))
    if (y_scale, y_zero) != (1 / 16, 127) or x_scale * 2**26 <= 1 or x_c > 4095:
        raise NotCovered("a log_softmax of other scales, or of more than 4095 classes")
    multiplier, shift = _check_exponentials(p, x_scale, task.where)
    reverse = quantize_multiplier(2.0 ** (31 - shift) / multiplier)
    wanted = {
        "multiplier": multiplier,
        "shift": min(shift, 30),  # beyond that no difference but 0 is within the radius
        "reverse_multiplier": reverse[0],
        "reverse_shift": reverse[1],
        "min_difference": -math.floor(31 * 2**26 / 2**shift) - 1,
    }
    for name, number in wanted.items():
        require(p.number(name) == number, f"{task.where}: its {name} is {p.number(name)}, and TFLM's {number}")
    _end(golden, memory, task, at)


def l2_normalization(golden: Golden, memory: Memory, task: Task, at: tuple[Pointer, ...], p: Params) -> None:
    """L2_NORMALIZATION, which needs no number but the zero point."""
    x_c, op = _begin(golden, task, at, p, "L2_NORMALIZATION"), task.ops[0]
    _, zero = one_scale(golden.model.tensors[op.inputs[0]])
    if op.options.get("activation", NONE) != NONE or x_c * max(127 - zero, zero + 128) ** 2 > INT32_MAX:
        raise NotCovered("an activation, or squares that leave 32 bits")
    require(p.number("x_zero_point") == zero, f"{task.where}: another zero point of its input")
    _end(golden, memory, task, at, in_place=True)
