"""SOFTMAX, the kernel `softmax_s8`: int8 to int8 along the last axis, bit for bit TFLM's integer softmax.

TFLM evaluates a polynomial for each exponential. There are at most 256 arguments, so they are evaluated here, in the
same fixed-point steps, and the kernel looks them up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.fixed_point import exp, multiply_high
from tinyproof.export.ops.kind import Events, Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.requantize import quantize_multiplier

INTEGER_BITS = 5  # of the arguments of exp, which are in [-32, 0]
FRACTION_BITS = 31 - INTEGER_BITS
MAX_CLASSES = 8191  # of more the sum of exponentials may leave 32 bits. TFLM aborts where it reaches 512


@dataclass(frozen=True)
class SoftmaxOptions(OpOptions):
    """As in the file: y = softmax(beta * x)."""

    beta: float


@dataclass(frozen=True, eq=False)
class SoftmaxParams(Params):
    """The members of `softmax_params`."""

    c_type: ClassVar[str] = "softmax_params"
    members: ClassVar[tuple[str, ...]] = ("exp", "exp_count", "rows", "x_c")

    exp: NDArray[np.int32]  # (at most 256,)
    rows: int
    x_c: int

    @property
    def exp_count(self) -> int:
        """Entries of the table."""
        return int(self.exp.size)


def parse(table: Any) -> SoftmaxOptions:
    """The options out of the flatbuffer."""
    options = tflite.SoftmaxOptions()
    options.Init(table.Bytes, table.Pos)
    return SoftmaxOptions(options.Beta())


def exp_table(beta: float, x_scale: np.float32) -> NDArray[np.int32] | None:
    """exp(-d * beta * x_scale) with 31 fraction bits for d = 0, 1, ... until it is 0 for good.

    None when beta * x_scale is too small for the fixed-point format (TFLM aborts).
    """
    real = min(beta * float(x_scale) * (1 << FRACTION_BITS), 2.0**31 - 1)
    if not real > 1.0:
        return None
    multiplier, shift = quantize_multiplier(real)
    largest = math.floor(31 * 2**FRACTION_BITS / 2**shift)  # larger differences count as exp = 0
    differences = range(min(largest, 255) + 1)
    values = [exp(multiply_high(-d * 2**shift, multiplier), INTEGER_BITS) for d in differences]
    return np.trim_zeros(np.array(values, np.int32), "b")


def fold(graph: Graph, op: Op) -> SoftmaxParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, SoftmaxOptions)
    operands.check_arity(graph, op, inputs=(1,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    if x.shape != y.shape:
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}; export the model again")
    if y.scale != np.float32(1 / 256) or y.zero_point != -128:
        raise graph.refusal(
            op,
            f"its output has scale {y.scale} and zero point {y.zero_point}, not 1/256 and -128; "
            f"{operands.QUANTIZE_CURE}",
        )
    if x.shape[-1] > MAX_CLASSES:
        raise graph.refusal(
            op, f"{x.shape[-1]} classes are more than the {MAX_CLASSES} that 32 bits can sum up; use fewer"
        )
    table = exp_table(options.beta, x.scale)
    if table is None:
        why = f"beta * scale = {options.beta * float(x.scale):.3g} is too small for TFLM's softmax"
        raise graph.refusal(op, f"{why}; its inputs hardly differ, as in a network that was never trained: train it")
    return SoftmaxParams(table, prod(x.shape[:-1]), x.shape[-1])


def events(params: SoftmaxParams) -> Events:
    """How often it does each thing that has a price."""
    return params.rows, params.rows * params.x_c


KERNEL = Kernel("softmax", events=events)
SOFTMAX = OpKind("softmax", "SOFTMAX", tflite.BuiltinOptions.SoftmaxOptions, parse, one_call(KERNEL, fold), no_macs)
