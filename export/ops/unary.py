"""More functions of one byte: ELU, ABS, RSQRT, by the kernel `lookup_s8` as those of `lookup.py`."""

from __future__ import annotations

import math

import numpy as np

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops.fixed_point import inverse_sqrt, requantize
from tinyproof.export.ops.kind import OpKind, no_macs
from tinyproof.export.ops.lookup import LARGEST, Function, lowered, parse_nothing
from tinyproof.export.ops.operands import Activations
from tinyproof.export.ops.requantize import quantize_multiplier, rescale, round_half_away

RSQRT_BITS = 20  # by which TFLM moves a root up to keep it whole


def elu(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """TFLM makes a table too, in float32 (elu.cc)."""
    with np.errstate(over="ignore"):
        inverse = np.float32(1) / y.scale
    most = 256 * float(x.scale) * float(inverse)
    if not most < 2**31:
        raise graph.refusal(
            op, f"its scales {x.scale} and {y.scale} are too far apart for TFLM; export the model again"
        )

    def function(value: int) -> int:
        real = x.scale * np.float32(value - x.zero_point)
        if real < 0:
            real = np.float32(np.exp(np.float64(real))) - np.float32(1)
        return int(np.float32(round_half_away(float(real * inverse))) + np.float32(y.zero_point))

    return function


def absolute(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """TFLM does not rescale where the scales are equal (elementwise.cc)."""
    if x.scale == y.scale:
        return lambda value: abs(value - x.zero_point) + y.zero_point
    multiplier, shift = rescale(graph, op, float(x.scale) / float(y.scale), LARGEST)
    return lambda value: requantize(abs(value - x.zero_point), multiplier, shift) + y.zero_point


def rsqrt(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """1 / sqrt(x), and the largest byte for 0 (elementwise.cc)."""
    if x.zero_point != -128:
        raise graph.refusal(
            op, f"its input has zero point {x.zero_point}, and TFLM stops at a negative number; put relu before it"
        )
    multiplier, shift = quantize_multiplier(1.0 / (math.sqrt(float(x.scale)) * float(y.scale)))
    if not 0 <= RSQRT_BITS - shift <= 31:
        raise graph.refusal(
            op, f"its scales {x.scale} and {y.scale} are too far apart for TFLM; export the model again"
        )

    def function(value: int) -> int:
        if value == x.zero_point:
            return 127
        root, root_shift = inverse_sqrt(value - x.zero_point)
        fine = requantize(1, root, root_shift + RSQRT_BITS)
        return requantize(fine, multiplier, shift - RSQRT_BITS) + y.zero_point

    return function


UNARIES = (
    OpKind("elu", "ELU", 0, parse_nothing, lowered(elu), no_macs),
    OpKind("abs", "ABS", 0, parse_nothing, lowered(absolute), no_macs),
    OpKind("rsqrt", "RSQRT", 0, parse_nothing, lowered(rsqrt), no_macs),
)
