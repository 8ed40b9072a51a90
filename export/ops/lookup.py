"""Ops that are a function of one byte, the kernel `lookup_s8`: rectifiers, LOGISTIC, TANH, HARD_SWISH, QUANTIZE.

The function is evaluated here for all 256 bytes, in TFLM's integer steps. One that changes nothing takes no call.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import fixed_point, operands
from tinyproof.export.ops.fixed_point import divide_by_power_of_two, multiply_high, requantize, saturate
from tinyproof.export.ops.kind import Call, Events, Kernel, OpKind, Params, no_macs
from tinyproof.export.ops.operands import Activations
from tinyproof.export.ops.requantize import quantize_multiplier, rescale, round_half_away

LARGEST = 255  # magnitude of an input byte less its zero point
BYTES = range(-128, 128)
Function = Callable[[int], int]


@dataclass(frozen=True)
class NoOptions(OpOptions):
    """Of an op that is described by its tensors alone."""


@dataclass(frozen=True)
class LeakyReluOptions(OpOptions):
    """As in the file: y = x or alpha * x, the second where x is negative."""

    alpha: float


@dataclass(frozen=True, eq=False)
class LookupParams(Params):
    """The members of `lookup_params`."""

    c_type: ClassVar[str] = "lookup_params"

    table: NDArray[np.int8]  # (256,)
    count: int


def parse_nothing(table: Any) -> NoOptions:
    """For ops whose options say nothing, or nothing that is needed."""
    return NoOptions()


def parse_leaky_relu(table: Any) -> LeakyReluOptions:
    """The options out of the flatbuffer."""
    options = tflite.LeakyReluOptions()
    options.Init(table.Bytes, table.Pos)
    return LeakyReluOptions(options.Alpha())


def relu(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """From one scale to another, and no less than zero (activations_common.cc)."""
    multiplier, shift = rescale(graph, op, float(x.scale) / float(y.scale), LARGEST)
    return lambda value: max(y.zero_point + requantize(value - x.zero_point, multiplier, shift), y.zero_point)


def relu6(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """TFLM clamps the bytes and does not rescale."""
    six = saturate(x.zero_point + round_half_away(min(float(np.float32(6) / x.scale), 1e6)), 8)
    return lambda value: min(max(value, x.zero_point), six)


def leaky_relu(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """Two multipliers, of which the second one has the sign of alpha (leaky_relu_common.cc)."""
    assert isinstance(op.options, LeakyReluOptions)
    alpha = op.options.alpha
    above = rescale(graph, op, float(x.scale) / float(y.scale), LARGEST)
    below = rescale(graph, op, abs(float(x.scale) * alpha / float(y.scale)), LARGEST)
    sign = -1 if alpha < 0 else 1

    def function(value: int) -> int:
        value -= x.zero_point
        return y.zero_point + (requantize(value, *above) if value >= 0 else sign * requantize(value, *below))

    return function


def quantize(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """From one scale and zero point to another."""
    multiplier, shift = rescale(graph, op, float(x.scale) / float(y.scale), LARGEST)
    return lambda value: y.zero_point + requantize(value - x.zero_point, multiplier, shift)


def _sigmoid_input(graph: Graph, op: Op, x: Activations) -> tuple[int, int, int]:
    """(multiplier, shift, radius): from a byte to 4 integer and 27 fraction bits; beyond the radius it saturates."""
    multiplier, shift = quantize_multiplier(float(x.scale) * 2**27)
    if shift < 0:
        raise graph.refusal(op, f"its input scale {x.scale} is too small for TFLM; export the model again")
    return multiplier, shift, math.floor(15 * 2**27 / 2**shift)


def _sigmoid(
    input_stage: tuple[int, int, int],
    x_zero_point: int,
    function: Callable[[int, int], int],
    bits: int,
    y_zero_point: int,
) -> Function:
    """A function that saturates at both ends, with `bits` fraction bits in its output."""
    multiplier, shift, radius = input_stage

    def of_byte(value: int) -> int:
        value -= x_zero_point
        if abs(value) >= radius:
            return 127 if value > 0 else -128
        result = function(requantize(value, multiplier, shift), 4)
        return y_zero_point + divide_by_power_of_two(result, 31 - bits)

    return of_byte


def logistic(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """With an output scale of 1/256 and zero point -128, whatever the file says of the scale."""
    if y.zero_point != -128:
        raise graph.refusal(op, f"its output has zero point {y.zero_point}, not -128; {operands.QUANTIZE_CURE}")
    return _sigmoid(_sigmoid_input(graph, op, x), x.zero_point, fixed_point.logistic, 8, -128)


def tanh(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """With an output scale of 1/128 and zero point 0, whatever the file says."""
    return _sigmoid(_sigmoid_input(graph, op, x), x.zero_point, fixed_point.tanh, 7, 0)


def _multiplier_of_16_bits(real: float) -> tuple[int, int]:
    """`quantize_multiplier` with 15 fraction bits instead of 31."""
    multiplier, shift = quantize_multiplier(real)
    return min((multiplier + 2**15) >> 16, 2**15 - 1), shift


def hard_swish(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """x * relu6(x + 3) / 6 in 16 bits (reference/hard_swish.h)."""
    fine = float(x.scale) / 128
    y_multiplier, y_shift = _multiplier_of_16_bits(min(fine / float(y.scale), 1e6))
    gate_multiplier, gate_shift = _multiplier_of_16_bits(fine / (3 / 32768))
    if y_shift > 0 or y_shift < -15 or gate_shift < -15:
        raise graph.refusal(
            op, f"its scales {x.scale} and {y.scale} are too far apart for TFLM; export the model again"
        )

    def function(value: int) -> int:
        value = (value - x.zero_point) << 7
        gate = saturate(value << max(gate_shift - 1, 0), 16)  # from [-3, 3] to [-1, 1], with 15 fraction bits
        gate = multiply_high(gate, gate_multiplier, bits=15)
        gate = saturate(gate << 1, 16) if gate_shift > 0 else divide_by_power_of_two(gate, -gate_shift)
        gate = (gate + 2**15) >> 1
        product = gate * multiply_high(value, y_multiplier, bits=15)
        towards_zero = abs(product) // 2**15 * (1 if product >= 0 else -1)
        return y.zero_point + divide_by_power_of_two(towards_zero, -y_shift)

    return function


def leads(params: LookupParams) -> tuple[int]:
    """y may be x."""
    return (0,)


def events(params: LookupParams) -> Events:
    """How often it does each thing that has a price."""
    return (params.count,)


def of_bytes(params: LookupParams) -> Function:
    """What it makes of a byte."""
    return lambda value: int(params.table[value + 128])


KERNEL = Kernel("lookup", leads=leads, events=events, of_bytes=of_bytes)


def lowered(
    function_of: Callable[[Graph, Op, Activations, Activations], Function],
) -> Callable[[Graph, Op], tuple[Call, ...]]:
    """The `lower` of an op that computes this function."""

    def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
        operands.check_arity(graph, op, inputs=(1,))
        x = operands.computed(graph, op, op.inputs[0])
        y = operands.computed(graph, op, op.outputs[0])
        if x.shape != y.shape:
            raise graph.refusal(op, f"it turns {x.shape} into {y.shape}; export the model again")
        function = function_of(graph, op, x, y)
        table = np.array([saturate(function(value), 8) for value in BYTES], np.int8)
        if table.tolist() == list(BYTES):
            return ()
        return (Call(KERNEL, (op,), op.inputs, op.outputs[0], LookupParams(table, prod(x.shape))),)

    return lower


LEAKY_RELU_OPTIONS = tflite.BuiltinOptions.LeakyReluOptions
LOOKUPS = (
    OpKind("relu", "RELU", 0, parse_nothing, lowered(relu), no_macs),
    OpKind("relu6", "RELU6", 0, parse_nothing, lowered(relu6), no_macs),
    OpKind("leaky_relu", "LEAKY_RELU", LEAKY_RELU_OPTIONS, parse_leaky_relu, lowered(leaky_relu), no_macs),
    OpKind("hard_swish", "HARD_SWISH", 0, parse_nothing, lowered(hard_swish), no_macs),
    OpKind("logistic", "LOGISTIC", 0, parse_nothing, lowered(logistic), no_macs),
    OpKind("tanh", "TANH", 0, parse_nothing, lowered(tanh), no_macs),
    OpKind("quantize", "QUANTIZE", 0, parse_nothing, lowered(quantize), no_macs),
)
