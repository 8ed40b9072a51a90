"""Functions that are computed in float32 between DEQUANTIZE and QUANTIZE: together functions of bytes.

By the kernel `lookup_s8`; which ops they are is found in `float_folding.py`. Each step is rounded to float32 as TFLM's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.enums import activation_parser
from tinyproof.export.ops.kind import Call, Kernel, OpKind, Params, no_macs
from tinyproof.export.ops.lookup import parse_nothing
from tinyproof.export.ops.operands import Activations
from tinyproof.export.ops.requantize import round_half_away

# Those that TFLM has for float32 alone, or that the engine runs in no other way.
FUNCTIONS: dict[str, Callable[..., Any]] = {
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
    "DIV": np.divide,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
    "LOGICAL_NOT": np.logical_not,
    "SELECT_V2": np.where,
}
# And what may stand between them.
STEPS: dict[str, Callable[..., Any]] = {
    **FUNCTIONS,
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "ABS": np.abs,
    "TANH": np.tanh,
    "RELU": lambda x: np.maximum(x, 0),
    "ELU": lambda x: np.where(x < 0, np.expm1(x), x),
}
TWO = ("DIV", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL", "LOGICAL_AND", "LOGICAL_OR")
OPERANDS = {
    **dict.fromkeys(STEPS, 1),
    **dict.fromkeys((*TWO, "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"), 2),
    "SELECT_V2": 3,
}
# The options of those that say something in them: which member of the schema's union, and how it is read.
PARSED: dict[str, tuple[int, Callable[[Any], OpOptions]]] = {
    "DIV": (tflite.BuiltinOptions.DivOptions, activation_parser(tflite.DivOptions)),
}
Operand = tuple[str, float]  # "input", "number" or "step", and which one or what


@dataclass(frozen=True)
class FloatOptions(OpOptions):
    """Of ops that became one: their names and operands, one after the other; the last one gives the result."""

    steps: tuple[tuple[str, tuple[Operand, ...]], ...]


@dataclass(frozen=True, eq=False)
class FloatParams(Params):
    """Of a call that no kernel computes: it becomes a lookup where one tensor decides all of it."""

    function: Callable[..., int]  # of a byte of each x


UNDEFINED = 1 << 16  # what TFLM's result is where a real number does not fit 32 bits


def function_of(graph: Graph, op: Op, xs: tuple[Activations, ...], y: Activations) -> Callable[..., int]:
    """The byte that it makes of one byte of each x. TFLM's steps: dequantize.h, the functions, quantize.h."""
    options = op.options
    assert isinstance(options, FloatOptions)

    def function(*values: int) -> int:
        inputs = [np.float32(float(x.scale) * (value - x.zero_point)) for x, value in zip(xs, values, strict=True)]
        results: list[Any] = []
        with np.errstate(all="ignore"):
            for name, wanted in options.steps:
                result = STEPS[name](*(_value(operand, inputs, results) for operand in wanted))
                results.append(result if result.dtype == np.bool_ else np.float32(result))
            real = float(np.float32(results[-1]) / y.scale)
        defined = abs(real) < 2**31 - 256
        return min(max(y.zero_point + round_half_away(real), -128), 127) if defined else UNDEFINED

    return function


def _value(operand: Operand, inputs: list[Any], results: list[Any]) -> Any:
    """In float64, so that the function is exact before it is rounded; a decision as it is."""
    kind, which = operand
    if kind == "number":
        return np.float64(which)
    found = (inputs if kind == "input" else results)[int(which)]
    return found if found.dtype == np.bool_ else np.float64(found)


def lower(graph: Graph, op: Op) -> tuple[Call, ...]:
    """A call of no kernel."""
    if not isinstance(op.options, FloatOptions):
        raise graph.refusal(
            op, "TFLM has it for float32 alone; use an activation that it has for int8, such as sigmoid"
        )
    xs = tuple(operands.computed(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    if any(x.shape != y.shape for x in xs):
        raise graph.refusal(op, f"it joins tensors of different shapes in float32; {JOINING_CURE}")
    kernel = Kernel("", leads=lambda params: (0,) * len(xs), of_bytes=lambda params: params.function)
    return (Call(kernel, (op,), op.inputs, op.outputs[0], FloatParams(function_of(graph, op, xs, y))),)


JOINING_CURE = "use ADD, SUB, MUL, MAXIMUM or MINIMUM to join tensors"


def refuse_joining(graph: Graph, calls: tuple[Call, ...]) -> None:
    """Refuse a function in float32 of tensors that are independent of each other."""
    for call in calls:
        if isinstance(call.params, FloatParams):
            why = f"it joins tensors in float32, and the engine computes int8; {JOINING_CURE}"
            raise graph.refusal(call.ops[-1], why)


def _kind(name: str) -> OpKind:
    options_type, parse = PARSED.get(name, (0, parse_nothing))
    return OpKind(name.lower(), name, options_type, parse, lower, no_macs)


FLOATS = tuple(map(_kind, FUNCTIONS))
