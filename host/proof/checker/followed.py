"""Lemma "functions of a byte": what a tensor is of one other tensor from which alone it follows, byte by byte, through
ops of bytes and those that TensorFlow Lite Micro computes in float32 between DEQUANTIZE and QUANTIZE.

In float32 each step is taken to be the exact result, rounded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Ints, ints, round_half_away
from .byte_functions import BYTES, OF_ONE, OF_TWO, of_one, of_two
from .findings import NotCovered
from .moves import RENAMES
from .ops import one_scale
from .tflite_model import NONE, RELU, RELU6, RELU_N1_TO_1, Model, Op

UNDEFINED = 1 << 16  # what stands for a byte that TensorFlow Lite Micro leaves undefined
Values = NDArray[Any]  # (256,), or a number: int64 of an int8 tensor, float32 or bool of another
IN_FLOATS: dict[str, Callable[..., Any]] = {
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
    "ABS": np.abs,
    "TANH": np.tanh,
    "RELU": lambda x: np.maximum(x, 0),
    "ELU": lambda x: np.where(x < 0, np.expm1(x), x),
    "ADD": np.add,
    "SUB": np.subtract,
    "MUL": np.multiply,
    "DIV": np.divide,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
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
CLAMPS = {NONE: (-np.inf, np.inf), RELU: (0.0, np.inf), RELU6: (0.0, 6.0), RELU_N1_TO_1: (-1.0, 1.0)}


def in_floats(model: Model, op: Op) -> bool:
    """Whether an op reads or makes what is no int8."""
    computed = [x for x in op.inputs if x != -1 and model.tensors[x].data is None]
    return any(model.tensors[k].dtype in ("FLOAT32", "BOOL") for k in (*computed, *op.outputs))


def require_function(model: Model, op: Op) -> None:
    """Raise NotCovered for an op `in_floats` that is no function of numbers."""
    if op.name not in (*IN_FLOATS, "DEQUANTIZE", "QUANTIZE"):
        raise NotCovered(f"no lemma for {op.name} in float32")


def origins(model: Model, y: int) -> list[int]:
    """The int8 tensors from which y may follow byte by byte, the nearest first."""
    makers, found, waiting = _makers(model), [], [y]
    while waiting:
        index = waiting.pop(0)
        op = makers.get(index)
        if index in found or model.tensors[index].data is not None:
            continue
        found.append(index)
        if op and (op.name in (*OF_ONE, *OF_TWO, *RENAMES, *IN_FLOATS, "DEQUANTIZE")):
            waiting += [x for x in (op.inputs[:1] if op.name in RENAMES else op.inputs) if x != -1]
    return [index for index in found[1:] if model.tensors[index].dtype == "INT8"]


def _makers(model: Model) -> dict[int, Op]:
    return {y: op for op in model.ops for y in op.outputs}


def table_of(model: Model, y: int, x: int) -> Ints:
    """(256,): what each byte of x makes of y; UNDEFINED where TensorFlow Lite Micro leaves that undefined. NotCovered
    where y follows from others too.
    """
    makers, known, undefined = _makers(model), {x: BYTES}, np.zeros(256, np.bool_)

    def value(index: int, depth: int) -> Values:
        if index not in known:
            data = model.tensors[index].data
            if data is not None and data.size and np.all(data == data.flat[0]):
                kinds = {"BOOL": np.bool_, "FLOAT32": np.float32}
                known[index] = data.flat[:1].astype(kinds.get(model.tensors[index].dtype, np.int64))
            elif index not in makers or data is not None or depth > 200:
                raise NotCovered("what does not follow from one byte")
            else:
                made = _made(model, makers[index], lambda k: value(k, depth + 1))
                undefined[:] |= made == UNDEFINED if made.dtype == np.int64 else False
                known[index] = np.where(made == UNDEFINED, 0, made) if made.dtype == np.int64 else made
        return known[index]

    return np.where(undefined, UNDEFINED, np.broadcast_to(ints(value(y, 0)), 256))


def is_undefined(table: Ints, low: Ints, high: Ints) -> bool:
    """Whether some byte within the bounds of some element makes what is undefined."""
    return any(np.any((low <= byte) & (byte <= high)) for byte in BYTES[table == UNDEFINED])


def _made(model: Model, op: Op, value: Callable[[int], Values]) -> Values:
    size = np.prod(model.tensors[op.outputs[0]].shape)
    taken = op.inputs[:1] if op.name in RENAMES else op.inputs
    computed = [x for x in taken if model.tensors[x].data is None]
    if any(np.prod(model.tensors[x].shape) != size for x in computed) or len(op.outputs) != 1:
        raise NotCovered("what does not follow from one byte")
    if op.name in RENAMES:
        return value(taken[0])
    if in_floats(model, op):
        return _in_floats(model, op, [value(x) for x in taken])
    if op.name in OF_TWO:
        return of_two(model, op)(*(value(x) for x in taken))
    if op.name in OF_ONE:
        return of_one(model, op)(value(taken[0]))
    raise NotCovered("what does not follow from one byte")


def _in_floats(model: Model, op: Op, xs: list[Values]) -> Values:
    require_function(model, op)
    if op.name == "DEQUANTIZE":
        scale, zero = one_scale(model.tensors[op.inputs[0]])
        return np.asarray(scale * (xs[0].astype(np.float64) - zero), np.float32)
    with np.errstate(all="ignore"):
        if op.name == "QUANTIZE":
            return _quantized(model, op, xs[0])
        result = np.asarray(IN_FLOATS[op.name](*(_exact(x) for x in xs)))
        if result.dtype == np.bool_:
            return result
        low, high = CLAMPS[op.options.get("activation", NONE)]
        return np.asarray(np.clip(np.asarray(result, np.float32), np.float32(low), np.float32(high)))


def _exact(x: Values) -> Values:
    return x if x.dtype == np.bool_ else np.asarray(x, np.float64)


def _quantized(model: Model, op: Op, x: Values) -> Ints:
    """`AffineQuantize`, which divides in float32 and is undefined for what does not fit 32 bits."""
    scale, zero = one_scale(model.tensors[op.outputs[0]])
    reals = np.broadcast_to(np.asarray(x, np.float32) / np.float32(scale), (256,)).astype(np.float64)
    whole = [round_half_away(float(real)) if abs(real) < 2**31 - 256 else None for real in reals]
    return ints([UNDEFINED if each is None else min(max(zero + each, -128), 127) for each in whole])
