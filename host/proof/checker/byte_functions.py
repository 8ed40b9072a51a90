"""Ops of which each output byte is a function of one byte of each operand, as TensorFlow Lite Micro computes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .arithmetic import INT32_MAX, Ints, divide_by_pot, ints, quantize_multiplier, requantize, round_half_away
from .findings import NotCovered
from .gemmlowp import logistic, tanh
from .ops import clamp_of, one_scale
from .tflite_model import NONE, Model, Op

BYTES = ints(np.arange(-128, 128))
OF_TWO = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU")
OF_ONE = ("RELU", "RELU6", "LEAKY_RELU", "QUANTIZE", "LOGISTIC", "TANH", "HARD_SWISH")
Of = Callable[..., Ints]


def rescaling(real: float, most: int) -> tuple[int, int]:
    """A multiplier and its shift, for numbers up to `most`, which have to stay within 32 bits."""
    multiplier, shift = quantize_multiplier(real)
    if most * 2 ** max(shift, 0) + 256 > INT32_MAX:
        raise NotCovered("a multiplier with which TFLM's own numbers may leave 32 bits")
    return multiplier, shift


def of_two(model: Model, op: Op) -> Of:
    """The function of an op of `OF_TWO`: between two bytes of an operand it stays between what both give; that of PRELU
    does on either side of the zero point of x.
    """
    tensors = [model.tensors[x] for x in op.inputs]
    y = model.tensors[op.outputs[0]]
    if op.name in ("MAXIMUM", "MINIMUM"):
        if any(x.dtype != "INT8" for x in (*tensors, y)):
            raise NotCovered("operands that are not int8")
        larger = op.name == "MAXIMUM"
        return lambda a, b: ints(np.maximum(a, b) if larger else np.minimum(a, b))
    (a_scale, a_zero), (b_scale, b_zero) = map(one_scale, tensors)
    y_scale, y_zero = one_scale(y)
    if op.name == "PRELU":
        to, below = rescaling(a_scale / y_scale, 255), rescaling(a_scale * b_scale / y_scale, 255 * 255)

        def rectified(x: Ints, slope: Ints) -> Ints:
            value = ints(x) - a_zero
            scaled = np.where(value >= 0, requantize(value, *to), requantize(value * (slope - b_zero), *below))
            return ints(np.clip(scaled + y_zero, -128, 127))

        return rectified
    low, high = clamp_of(y, op.options["activation"] if op.options else NONE)
    if op.name == "MUL":
        to = rescaling(a_scale * b_scale / y_scale, 255 * 255)
        return lambda a, b: ints(np.clip(requantize((ints(a) - a_zero) * (b - b_zero), *to) + y_zero, low, high))
    twice, sign = 2 * max(a_scale, b_scale), -1 if op.name == "SUB" else 1
    a_to, b_to, y_to = (
        quantize_multiplier(real) for real in (a_scale / twice, b_scale / twice, twice / (2**20 * y_scale))
    )
    if y_to[1] > 0:
        raise NotCovered("an output scale so small that TFLM stops")

    def function(a: Ints, b: Ints) -> Ints:
        total = requantize((ints(a) - a_zero) << 20, *a_to) + sign * requantize((ints(b) - b_zero) << 20, *b_to)
        return ints(np.clip(requantize(total, *y_to) + y_zero, low, high))

    return function


def of_one(model: Model, op: Op) -> Of:
    """The function of an op of `OF_ONE`."""
    (x_scale, x_zero), (y_scale, y_zero) = (one_scale(model.tensors[k]) for k in (op.inputs[0], op.outputs[0]))
    if op.name == "RELU6":
        six = min(max(x_zero + round_half_away(float(np.float32(6) / np.float32(x_scale))), -128), 127)
        return lambda x: ints(np.clip(x, x_zero, six))
    if op.name in ("LOGISTIC", "TANH"):
        return _sigmoid(op, x_scale, x_zero, y_zero)
    if op.name == "HARD_SWISH":
        return _hard_swish(x_scale, x_zero, y_scale, y_zero)
    to = rescaling(x_scale / y_scale, 255)
    if op.name == "LEAKY_RELU":
        alpha = float(op.options["alpha"]) if op.options else 0.0
        if alpha < 0:
            raise NotCovered("a slope below zero")
        below = rescaling(x_scale * alpha / y_scale, 255)

        def leaky(x: Ints) -> Ints:
            value = ints(x) - x_zero
            return ints(
                np.clip(y_zero + np.where(value >= 0, requantize(value, *to), requantize(value, *below)), -128, 127)
            )

        return leaky
    least = y_zero if op.name == "RELU" else -128
    return lambda x: ints(np.clip(requantize(ints(x) - x_zero, *to) + y_zero, least, 127))


def _sigmoid(op: Op, x_scale: float, x_zero: int, y_zero: int) -> Of:
    """LOGISTIC and TANH, whose output scales are 1/256 and 1/128 whatever the file says."""
    is_tanh = op.name == "TANH"
    multiplier, shift = quantize_multiplier(x_scale * 2**27)
    if shift < 0 or y_zero != (0 if is_tanh else -128):
        raise NotCovered("other scales than TFLM's")
    radius = math.floor(15 * 2**27 / 2**shift)

    def of_byte(value: int) -> int:
        value -= x_zero
        if abs(value) >= radius:
            return 127 if value > 0 else -128
        argument = int(requantize(value, multiplier, shift))
        result = divide_by_pot(tanh(argument), 24) if is_tanh else divide_by_pot(logistic(argument), 23) - 128
        return min(max(int(result), -128), 127)

    table = ints([of_byte(value) for value in range(-128, 128)])
    return lambda x: table[ints(x) + 128]


def _hard_swish(x_scale: float, x_zero: int, y_scale: float, y_zero: int) -> Of:
    """x * relu6(x + 3) / 6 in 16 bits: x with seven bits more, and a gate from 0 to 32767."""
    (to_y, y_shift), (to_gate, gate_shift) = (
        quantize_multiplier(x_scale / 128 / real) for real in (y_scale, 3 / 32768)
    )
    if not -15 <= y_shift <= 0 or gate_shift < -15:
        raise NotCovered("an output scale so small that TFLM stops, or scales too far apart")
    y_factor, gate_factor = (min((each + 2**15) >> 16, 2**15 - 1) for each in (to_y, to_gate))

    def narrow(value: Ints) -> Ints:
        return ints(np.clip(value, -(2**15), 2**15 - 1))

    def high_mul_16(a: Ints, b: int) -> Ints:
        return (a * b + 2**14) >> 15

    def function(x: Ints) -> Ints:
        fine = (ints(x) - x_zero) << 7
        gate = high_mul_16(narrow(fine << min(max(gate_shift - 1, 0), 16)), gate_factor)
        gate = narrow(gate << 1) if gate_shift > 0 else ints(divide_by_pot(gate, -gate_shift))
        product = ((gate + 2**15) >> 1) * high_mul_16(fine, y_factor)
        whole = np.sign(product) * (np.abs(product) >> 15)
        return ints(np.clip(ints(divide_by_pot(whole, -y_shift)) + y_zero, -128, 127))

    return function


def function_of(model: Model, op: Op) -> Of:
    """The function of either kind of op."""
    if op.name in OF_TWO:
        return of_two(model, op)
    if op.name in OF_ONE:
        return of_one(model, op)
    raise NotCovered(f"no lemma for {op.name}")


def table_of(model: Model, ops: Sequence[Op]) -> tuple[int, Ints]:
    """Lemma "functions of a byte": of ops one after the other that all follow from one tensor and from constants of one
    byte, that tensor and what every byte of it becomes.
    """
    known: dict[int, Ints] = {}
    first = next(x for x in ops[0].inputs if model.tensors[x].data is None)
    known[first] = BYTES
    for op in ops:
        for x in op.inputs:
            data = model.tensors[x].data
            if data is not None and x not in known and data.size and np.all(data == data.flat[0]):
                known[x] = np.full(256, int(data.flat[0]))
        if any(x not in known for x in op.inputs):
            raise NotCovered("what does not follow from one byte")
        known[op.outputs[0]] = function_of(model, op)(*(known[x] for x in op.inputs))
    return first, known[ops[-1].outputs[0]]


def range_through(table: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """The smallest and the largest entry between two bytes."""
    behind = np.arange(256) < np.arange(256)[:, None]
    least = np.minimum.accumulate(np.where(behind, 127, table), axis=1)
    most = np.maximum.accumulate(np.where(behind, -128, table), axis=1)
    return least[low + 128, high + 128], most[low + 128, high + 128]
