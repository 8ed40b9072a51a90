"""Functions that TFLM has for float32 alone, between DEQUANTIZE and QUANTIZE: together functions of one byte.

By the kernel `lookup_s8`; which chains of ops they are is found in `float_folding.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops.kind import OpKind, no_macs
from tinyproof.export.ops.lookup import BYTES, Function, lowered, parse_nothing
from tinyproof.export.ops.operands import Activations
from tinyproof.export.ops.requantize import round_half_away

FUNCTIONS: dict[str, Callable[[float], np.float64]] = {
    "NEG": np.negative,
    "SQUARE": np.square,
    "SQRT": np.sqrt,
    "EXP": np.exp,
    "LOG": np.log,
    "SIN": np.sin,
    "COS": np.cos,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "ROUND": np.rint,
}


@dataclass(frozen=True)
class FloatOptions(OpOptions):
    """Of a chain: the functions one after the other."""

    names: tuple[str, ...]


def between_floats(graph: Graph, op: Op, x: Activations, y: Activations) -> Function:
    """TFLM's steps, each rounded to float32: dequantize.h, the functions, quantize.h."""
    options = op.options
    if not isinstance(options, FloatOptions):
        raise graph.refusal(
            op, "TFLM has it for float32 alone; use an activation that it has for int8, such as sigmoid"
        )

    def steps(value: int) -> float:
        real = np.float32(float(x.scale) * (value - x.zero_point))
        with np.errstate(all="ignore"):
            for name in options.names:
                real = np.float32(FUNCTIONS[name](float(real)))
            return float(real / y.scale)

    found = {value: steps(value) for value in BYTES}
    if any(not abs(real) < 2**31 - 256 for real in found.values()):
        why = "gives no number, or one too large for 32 bits, for some of its inputs, where TFLM's result is undefined"
        raise graph.refusal(op, f"it {why}; limit its input before")
    return lambda value: y.zero_point + round_half_away(found[value])


FLOATS = tuple(OpKind(name.lower(), name, 0, parse_nothing, lowered(between_floats), no_macs) for name in FUNCTIONS)
