"""LOG_SOFTMAX, the kernel `log_softmax_s8`: int8 to int8 along the last axis, with the exponentials of SOFTMAX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.requantize import quantize_multiplier
from tinyproof.export.ops.softmax import FRACTION_BITS, exp_table

MAX_CLASSES = 4095  # of one more equal input TFLM's sum leaves 32 bits


@dataclass(frozen=True, eq=False)
class LogSoftmaxParams(Params):
    """The members of `log_softmax_params`."""

    c_type: ClassVar[str] = "log_softmax_params"
    members: ClassVar[tuple[str, ...]] = (
        *("exp", "exp_count", "rows", "x_c"),
        *("multiplier", "shift", "reverse_multiplier", "reverse_shift", "min_difference"),
    )

    exp: NDArray[np.int32]  # (at most 256,)
    rows: int
    x_c: int
    multiplier: int
    shift: int
    reverse_multiplier: int
    reverse_shift: int
    min_difference: int

    @property
    def exp_count(self) -> int:
        """Entries of the table."""
        return int(self.exp.size)


def fold(graph: Graph, op: Op) -> LogSoftmaxParams:
    """All constants of the op (log_softmax.cc)."""
    operands.check_arity(graph, op, inputs=(1,))
    x = operands.computed(graph, op, op.inputs[0])
    y = operands.computed(graph, op, op.outputs[0])
    if x.shape != y.shape:
        raise graph.refusal(op, f"it turns {x.shape} into {y.shape}; export the model again")
    if y.scale != np.float32(1 / 16) or y.zero_point != 127:
        raise graph.refusal(
            op,
            f"its output has scale {y.scale} and zero point {y.zero_point}, not 1/16 and 127; export the model again",
        )
    if x.shape[-1] > MAX_CLASSES:
        raise graph.refusal(
            op, f"{x.shape[-1]} classes are more than the {MAX_CLASSES} that TFLM can sum up; use fewer"
        )
    table = exp_table(1.0, x.scale)
    multiplier, shift = quantize_multiplier(min(float(x.scale) * 2**FRACTION_BITS, 2.0**31 - 1))
    reverse = 2.0 ** (31 - shift) / multiplier if multiplier else 1.0
    if table is None or not reverse < 1:
        raise graph.refusal(op, f"its input scale {x.scale:.3g} is too small for TFLM; export the model again")
    return LogSoftmaxParams(
        table,
        prod(x.shape[:-1]),
        x.shape[-1],
        multiplier,
        min(shift, 30),  # beyond that only a difference of 0 counts
        *quantize_multiplier(reverse),
        -math.floor(31 * 2**FRACTION_BITS / 2**shift) - 1,
    )


KERNEL = Kernel("log_softmax")
LOG_SOFTMAX = OpKind("log_softmax", "LOG_SOFTMAX", 0, parse_nothing, one_call(KERNEL, fold), no_macs)
