"""Ops of which each output byte is a function of one byte of each operand, as TensorFlow Lite Micro computes them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .arithmetic import INT32_MAX, Ints, divide_by_pot, ints, quantize_multiplier, requantize, round_half_away
from .findings import NotCovered
from .gemmlowp import inverse_sqrt, logistic, tanh
from .ops import clamp_of, one_scale
from .tflite_model import NONE, Model, Op

BYTES = ints(np.arange(-128, 128))
OF_TWO = ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU", "SQUARED_DIFFERENCE")
OF_ONE = ("RELU", "RELU6", "LEAKY_RELU", "QUANTIZE", "LOGISTIC", "TANH", "HARD_SWISH", "ELU", "ABS", "RSQRT")
RSQRT_BITS = 20  # by which TFLM moves an inverse root up
Of = Callable[..., Ints]


def rescaling(real: float, most: int) -> tuple[int, int]:
    """A multiplier and its shift, for numbers up to `most`, which have to stay within 32 bits."""
    multiplier, shift = quantize_multiplier(real)
    if most * 2 ** max(shift, 0) + 256 > INT32_MAX:
        raise NotCovered("a multiplier with which TFLM's own numbers may leave 32 bits")
    return multiplier, shift


def of_two(model: Model, op: Op) -> Of:
    """The function of an op of `OF_TWO`."""
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
    if op.name == "SQUARED_DIFFERENCE":
        difference = _difference(model, op)
        to = rescaling((2 * max(a_scale, b_scale)) ** 2 / (2**14 * y_scale), (255 * 2**7) ** 2)
        return lambda a, b: ints(np.clip(requantize(difference(a, b) ** 2, *to) + y_zero, -128, 127))
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


def _difference(model: Model, op: Op) -> Of:
    """What SQUARED_DIFFERENCE squares: both operands in steps of twice the larger scale / 2^7."""
    (a_scale, a_zero), (b_scale, b_zero) = (one_scale(model.tensors[x]) for x in op.inputs)
    twice = 2 * max(a_scale, b_scale)
    a_to, b_to = (quantize_multiplier(scale / twice) for scale in (a_scale, b_scale))
    return lambda a, b: requantize((ints(a) - a_zero) << 7, *a_to) - requantize((ints(b) - b_zero) << 7, *b_to)


def bounds_of_two(model: Model, op: Op, a: tuple[Ints, Ints], b: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """The smallest and the largest byte for operands within bounds. Between two bytes of an operand the function stays
    between what both give; that of PRELU does on either side of the zero point of x, and a square where the difference
    has one sign; else it may be that of no difference.
    """
    function, of_a = of_two(model, op), [*a]
    if op.name == "PRELU":
        of_a.append(np.clip(int(model.tensors[op.inputs[0]].zero_point[0]), *of_a))
    corners = [function(x, y) for x in of_a for y in b]
    low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
    if op.name == "SQUARED_DIFFERENCE":
        difference = _difference(model, op)
        changes = (difference(a[0], b[1]) <= 0) & (difference(a[1], b[0]) >= 0)
        low = np.where(changes, int(model.tensors[op.outputs[0]].zero_point[0]), low)
    return low, high


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
    if op.name == "ELU":
        return _elu(x_scale, x_zero, y_scale, y_zero)
    if op.name == "RSQRT":
        return _rsqrt(x_scale, x_zero, y_scale, y_zero)
    if op.name == "ABS" and x_scale == y_scale:  # then TFLM does not scale
        return lambda x: ints(np.clip(np.abs(ints(x) - x_zero) + y_zero, -128, 127))
    to = rescaling(x_scale / y_scale, 255)
    if op.name == "ABS":
        return lambda x: ints(np.clip(requantize(np.abs(ints(x) - x_zero), *to) + y_zero, -128, 127))
    if op.name == "LEAKY_RELU":
        slope = x_scale * (float(op.options["alpha"]) if op.options else 0.0) / y_scale
        below, sign = rescaling(abs(slope), 255), -1 if slope < 0 else 1

        def leaky(x: Ints) -> Ints:
            value = ints(x) - x_zero
            scaled = np.where(value >= 0, requantize(value, *to), sign * requantize(value, *below))
            return ints(np.clip(y_zero + scaled, -128, 127))

        return leaky
    least = y_zero if op.name == "RELU" else -128
    return lambda x: ints(np.clip(requantize(ints(x) - x_zero, *to) + y_zero, least, 127))


def _elu(x_scale: float, x_zero: int, y_scale: float, y_zero: int) -> Of:
    """x, or exp(x) - 1 below zero, in float32 (`elu.cc`)."""
    f32 = np.float32
    with np.errstate(over="ignore"):
        inverse = f32(1) / f32(y_scale)
    if not 256 * x_scale * float(inverse) < 2**31:
        raise NotCovered("scales too far apart")

    def of_byte(value: int) -> int:
        real = f32(x_scale) * f32(value - x_zero)
        if real < 0:
            real = f32(math.exp(float(real))) - f32(1)
        rounded = f32(round_half_away(float(real * inverse))) + f32(y_zero)
        return min(max(int(rounded), -128), 127)

    table = ints([of_byte(value) for value in range(-128, 128)])
    return lambda x: table[ints(x) + 128]


def _rsqrt(x_scale: float, x_zero: int, y_scale: float, y_zero: int) -> Of:
    """1 / sqrt(x), and of zero the largest byte (`elementwise.cc`)."""
    multiplier, shift = quantize_multiplier(1 / (math.sqrt(x_scale) * y_scale))
    if x_zero != -128 or not 0 <= RSQRT_BITS - shift <= 31:
        raise NotCovered("a root of what may be negative, or scales too far apart")

    def of_byte(value: int) -> int:
        if value == x_zero:
            return 127
        root, root_shift = inverse_sqrt(value - x_zero)
        fine = requantize(1, root, root_shift + RSQRT_BITS)
        return min(max(int(requantize(fine, multiplier, shift - RSQRT_BITS)) + y_zero, -128), 127)

    table = ints([of_byte(value) for value in range(-128, 128)])
    return lambda x: table[ints(x) + 128]


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


def range_through(table: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """The smallest and the largest entry between two bytes."""
    behind = np.arange(256) < np.arange(256)[:, None]
    least = np.minimum.accumulate(np.where(behind, 127, table), axis=1)
    most = np.maximum.accumulate(np.where(behind, -128, table), axis=1)
    return least[low + 128, high + 128], most[low + 128, high + 128]
