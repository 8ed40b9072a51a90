"""Ops of a `.tflite` that TensorFlow Lite Micro has for float32 alone, in float32 between DEQUANTIZE and QUANTIZE.

The converter writes EXP, LOG or GELU as int8 ops, which the golden lacks or leaves undefined (DIV). Between its int8
neighbours each becomes what the golden runs, with the constants as they are; the compiled engine makes a table of it
(`float_folding.py`). GELU, of which it has no form at all, is written out by its approximation with tanh, which differs
from the exact one by less than 0.0005.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.ops.floats import FUNCTIONS, STEPS
from tinyproof.export.tflite_editing import INT8_VERSION, add_buffer, add_tensor, new_op, packed, unpacked
from tinyproof.export.tflite_reader import read_graph

CLIPS = {"RELU_N1_TO_1": (-1.0, 1.0), "RELU_0_TO_1": (0.0, 1.0)}
GELU, SELECT = "GELU", "SELECT"  # a SELECT of operands of one shape is a SELECT_V2
OTHERS = (*CLIPS, GELU, SELECT)
ROOT_OF_TWO_BY_PI, CUBIC = 0.7978845608028654, 0.044715


def with_float_islands(content: bytes, source: str) -> bytes:
    """The model with such ops in float32; the same bytes where there are none. UserError where they are no model."""
    graph = read_graph(content, source)
    wanted = _wanted(graph)
    if not wanted:
        return content
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(content, source)
    islands = _Islands(schema, model, graph, wanted)
    for place, op in enumerate(model.subgraphs[0].operators):
        islands.add(graph.ops[place], op) if place in wanted else islands.ops.append(op)
    model.subgraphs[0].operators = islands.ops
    return packed(model)


def _wanted(graph: Graph) -> set[int]:
    """The indexes of the ops that are to be in float32: those without another form, and with them all that follows from
    the same tensor number by number. So a softplus is rounded once and not after each of its steps.
    """
    origin: dict[int, int] = {}  # by tensor, the one from which it follows
    members: dict[int, list[Op]] = {}
    for op in graph.ops:
        if not _is_function(graph, op):
            continue
        computed = [index for index in op.inputs if graph.tensors[index].data is None]
        origins = {origin.get(index, index) for index in computed}
        first = origins.pop() if len(origins) == 1 else op.outputs[0]
        if origins or graph.tensors[first].dtype != "int8":  # of several tensors, which stays for itself
            first = op.outputs[0]
        else:
            origin[op.outputs[0]] = first
        members.setdefault(first, []).append(op)
    needy = {first for first, ops in members.items() if any(op.name in (*FUNCTIONS, *OTHERS) for op in ops)}
    return {op.index for first in needy for op in members[first]}


def _is_function(graph: Graph, op: Op) -> bool:
    """Whether it can be in float32: of int8 tensors of one shape and of numbers."""
    if op.name not in (*STEPS, *OTHERS) or len(op.outputs) != 1 or ABSENT in (*op.inputs, *op.outputs):
        return False
    xs, y = [graph.tensors[index] for index in op.inputs], graph.tensors[op.outputs[0]]
    if any(x.dtype not in ("int8", "bool") or (x.dtype == "int8" and not _has_one_scale(x)) for x in (*xs, y)):
        return False
    shapes = [x.shape for x in xs if x.data is None]
    return bool(shapes) and all(shape == y.shape for shape in shapes)


def _has_one_scale(x: Tensor) -> bool:
    return x.quantization is not None and x.quantization.scale.size == 1


class _Islands:
    """The ops of the new model, as far as they are made."""

    def __init__(self, schema: Any, model: Any, graph: Graph, wanted: set[int]) -> None:
        self.ops: list[Any] = []
        self._schema, self._model, self._graph = schema, model, graph
        self._read = {index for op in graph.ops if op.index not in wanted for index in op.inputs} | set(graph.outputs)
        self._subgraph = model.subgraphs[0]
        self._floats: dict[int, int] = {}  # by int8 tensor, the float32 one of the same numbers

    def add(self, op: Op, given: Any) -> None:
        """The op in float32, with what leads to it and back."""
        inputs = [self._in_float(index) for index in op.inputs]
        y = self._graph.tensors[op.outputs[0]]
        result = self._tensor(y) if y.dtype == "int8" else y.index
        if op.name == GELU:
            self._gelu(inputs[0], result, y)
        elif op.name in CLIPS:
            low, high = CLIPS[op.name]
            raised = self._op("MAXIMUM", [inputs[0], self._number(low)], self._tensor(y))
            self._op("MINIMUM", [raised, self._number(high)], result)
        else:
            self._op("SELECT_V2" if op.name == SELECT else op.name, inputs, result)
            if op.name != SELECT:
                new = self.ops[-1]
                new.builtinOptionsType, new.builtinOptions = given.builtinOptionsType, given.builtinOptions
        if y.dtype == "int8":
            self._floats[y.index] = result
            if y.index in self._read:
                self._op("QUANTIZE", [result], y.index)

    def _in_float(self, index: int) -> int:
        x = self._graph.tensors[index]
        if x.dtype == "bool":
            return index
        if index not in self._floats:
            data = None if x.data is None else _numbers(x)
            self._floats[index] = self._tensor(x, data)
            if data is None:
                self._op("DEQUANTIZE", [index], self._floats[index])
        return self._floats[index]

    def _gelu(self, x: int, result: int, like: Tensor) -> None:
        """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))."""

        def made(name: str, *inputs: int) -> int:
            return self._op(name, list(inputs), self._tensor(like))

        square = made("SQUARE", x)
        bent = made("ADD", made("MUL", square, self._number(CUBIC)), self._number(1.0))
        inner = made("MUL", made("MUL", x, bent), self._number(ROOT_OF_TWO_BY_PI))
        gate = made("ADD", made("TANH", inner), self._number(1.0))
        self._op("MUL", [made("MUL", x, self._number(0.5)), gate], result)

    def _op(self, name: str, inputs: list[int], y: int) -> int:
        op = new_op(self._model, name, inputs, y, INT8_VERSION if name == "DEQUANTIZE" else 1)
        if name in ("MUL", "ADD"):
            op.builtinOptionsType = getattr(self._schema.BuiltinOptions, f"{name.title()}Options")
            op.builtinOptions = getattr(self._schema, f"{name.title()}OptionsT")()
        self.ops.append(op)
        return y

    def _number(self, value: float) -> int:
        return self._tensor(None, np.array([value], np.float32))

    def _tensor(self, like: Tensor | None, data: NDArray[np.float32] | None = None) -> int:
        """A new float32 tensor; of the shape and name of another one, if that is given."""
        buffer = 0 if data is None else add_buffer(self._model, data.astype("<f4"))
        name, shape = (like.name, like.shape) if like else ("number", (1,))
        index = add_tensor(self._subgraph, f"{name}/float", list(shape), buffer=buffer)
        self._subgraph.tensors[index].type = self._schema.TensorType.FLOAT32
        return index


def _numbers(x: Tensor) -> NDArray[np.float32]:
    assert x.data is not None and x.quantization is not None
    scale, zero_point = float(x.quantization.scale[0]), int(x.quantization.zero_point[0])
    return np.asarray(scale * (x.data.astype(np.int64) - zero_point), np.float32)
