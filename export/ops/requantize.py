"""From int32 accumulators to int8 outputs: multipliers, shifts, clamp ranges, and the proof that nothing overflows.

The C side is `output_stage` in `kernels.h` and `requantize.h`; the arithmetic is TensorFlow Lite Micro's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.graph import Activation, Graph, Op
from tinyproof.export.ops.operands import Activations, Weights

INT32_MAX = 2**31 - 1
INT8_RANGE = (-128, 127)
CLAMPS = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class OutputStage(CStruct):
    """y = clamp(y_zero_point + requantize(acc, multiplier[o], shift[o]), y_min, y_max); members as in C."""

    c_type: ClassVar[str] = "output_stage"
    members: ClassVar[tuple[str, ...]] = ("multiplier", "shift", "per_channel", "y_zero_point", "y_min", "y_max")

    multiplier: NDArray[np.int32]  # (y_c,) or (1,)
    shift: NDArray[np.int8]  # the same shape
    y_zero_point: int
    y_min: int
    y_max: int

    @property
    def per_channel(self) -> bool:
        """Whether there is a multiplier for each channel."""
        return bool(self.multiplier.size > 1)


def round_half_away(value: float) -> int:
    """The nearest integer, halves away from zero, as C's `round`."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value)) if abs(value) < 2**52 else int(value)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31), or (0, 0) below 2^-32.

    After TFLM's `QuantizeMultiplier` (kernels/internal/quantization_util.cc).

    >>> quantize_multiplier(0.75)
    (1610612736, 0)
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * 2**31)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def rescale(graph: Graph, op: Op, real: float, largest: int) -> tuple[int, int]:
    """`quantize_multiplier` for values up to `largest`; refuses one with which they would leave 32 bits in TFLM."""
    multiplier, shift = quantize_multiplier(real if math.isfinite(real) else 0.0)
    if not math.isfinite(real) or largest * 2 ** max(shift, 0) + 256 > INT32_MAX:
        raise graph.refusal(op, f"its scales make the multiplier {real:.3g}, too large for 32 bits; export it again")
    return multiplier, shift


def clamp_range(graph: Graph, op: Op, y: Activations, activation: Activation) -> tuple[int, int]:
    """The int8 range the fused activation leaves; TFLM divides in float32 (`CalculateActivationRangeQuantized`)."""
    if activation not in CLAMPS:
        raise graph.refusal(op, f"the fused activation {activation.value} is not supported; use relu, relu6 or none")
    low, high = CLAMPS[activation]
    y_min = INT8_RANGE[0] if low is None else max(INT8_RANGE[0], _quantized(graph, op, y, low))
    y_max = INT8_RANGE[1] if high is None else min(INT8_RANGE[1], _quantized(graph, op, y, high))
    return y_min, y_max


def _quantized(graph: Graph, op: Op, y: Activations, real: float) -> int:
    with np.errstate(over="ignore"):
        steps = float(np.float32(real) / y.scale)
    if abs(steps) > INT32_MAX:
        raise graph.refusal(op, f"its output scale {y.scale} is too small for its activation; export the model again")
    return y.zero_point + round_half_away(steps)


def fold_output_stage(
    graph: Graph, op: Op, x: Activations, weights: Weights, y: Activations, activation: Activation
) -> OutputStage:
    """The output stage for the real multipliers x_scale * weight_scale / y_scale, one or one for each channel.

    Here and for all other ops products and quotients of scales are in double precision, as in the golden. Sources of
    TFLM up to August 2026 round some to float32, those of FULLY_CONNECTED with one scale, BATCH_MATMUL, SUB, RELU,
    LEAKY_RELU, HARD_SWISH, ABS and RSQRT: they can differ where an output lies within 2^-24 of itself from a rounding
    edge. What becomes a byte or a number for itself stays in float32: a clamp, a place in an image, a table.
    """
    real_multipliers = np.float64(x.scale) * weights.scale.astype(np.float64) / np.float64(y.scale)
    pairs = [quantize_multiplier(float(real)) for real in real_multipliers]
    shifts = [shift for _, shift in pairs]
    if max(shifts) > 30:
        raise graph.refusal(op, "its scales make a multiplier above 2^30; export the model again")
    y_min, y_max = clamp_range(graph, op, y, activation)
    multipliers = np.array([multiplier for multiplier, _ in pairs], np.int32)
    return OutputStage(multipliers, np.array(shifts, np.int8), y.zero_point, y_min, y_max)


def fold_bias(
    graph: Graph, op: Op, bias: NDArray[np.int32], weights: NDArray[np.int8], x_zero_point: int, output: OutputStage
) -> NDArray[np.int32]:
    """b[o] - x_zero_point * sum(weights[o]), with the proof that no accumulator overflows for any input.

    Bounds hold for every partial sum, in TFLM's order (bias last) and in the kernels' (bias first), for a window cut at
    the image's border too, and for the left shift of `requantize` and the zero point added after it.
    """
    flat = weights.reshape(weights.shape[0], -1).astype(np.int64)
    folded = bias.astype(np.int64) - x_zero_point * flat.sum(axis=1)
    magnitude = np.abs(flat).sum(axis=1)
    reference = np.abs(bias.astype(np.int64)) + max(127 - x_zero_point, x_zero_point + 128) * magnitude
    ours = np.abs(folded) + 128 * magnitude
    shifted = reference * 2 ** np.maximum(output.shift, 0).astype(np.int64)
    worst = np.maximum(ours, shifted + 256)
    if np.any(worst > INT32_MAX):
        raise graph.refusal(
            op,
            f"the accumulator of output channel {int(np.argmax(worst))} can overflow 32 bits, where TFLM's result is "
            "undefined; make the layer's weights or bias smaller and convert again",
        )
    return np.asarray(folded, np.int32)
