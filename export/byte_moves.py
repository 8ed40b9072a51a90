"""Ops of a `.tflite` that only move numbers, written as int8 ops that every engine and the golden run.

The converter leaves a SPLIT in float32, between DEQUANTIZE and QUANTIZE of one scale, where nobody reads one of its
outputs (as in the first step of an unrolled LSTM or GRU): it moves the bytes instead. TILE, which no engine here has
and which UpSampling2D and RepeatVector become, is a GATHER along each axis that it repeats. A PACK or a CONCATENATION
of more tensors than TFLM takes joins groups of them. The same bytes come out.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Activation, Graph, Op, Quantization, Tensor
from tinyproof.export.ops.concatenation import MAX_INPUTS, ConcatenationOptions
from tinyproof.export.tflite_editing import add_integers, add_tensor, new_op, packed, unpacked
from tinyproof.export.tflite_reader import read_graph

# What moves numbers, and which of its operands they are.
MOVES = {
    "SPLIT": 1,
    **dict.fromkeys(
        ("SPLIT_V", "UNPACK", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "STRIDED_SLICE", "SLICE"), 0
    ),
    **dict.fromkeys(("GATHER", "REVERSE_V2", "BROADCAST_TO", "TILE", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE"), 0),
}
MOST_VALUES = 1 << 16  # along an axis of a TILE: a damaged file must not make a large index


def with_byte_moves(content: bytes, source: str) -> bytes:
    """The model with its moves of numbers as moves of bytes; the same bytes where there is nothing to change.

    UserError where the bytes are no model. What is no such move is left for the export to refuse.
    """
    graph = read_graph(content, source)
    detours = [detour for op in graph.ops if (detour := _detour(graph, op))]
    tiles = [op for op in graph.ops if _repeats(graph, op) is not None]
    joins = [op for op in graph.ops if _is_long_join(graph, op)]
    if not detours and not tiles and not joins:
        return content
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(content, source)
    for detour in detours:
        _move_bytes(model.subgraphs[0], detour)
    replaced = {op.index: _gathers(schema, model, graph, op) for op in tiles}
    replaced |= {op.index: _joins(schema, model, graph, op) for op in joins}
    gone = {op.index for detour in detours for op in detour.ends}
    ops = enumerate(model.subgraphs[0].operators)
    model.subgraphs[0].operators = [new for k, op in ops if k not in gone for new in replaced.get(k, [op])]
    return packed(model)


@dataclass
class Detour:
    """Moves in float32 of what is int8 before and behind them, all of one quantization."""

    source: int  # the int8 tensor that is moved
    moved: set[int] = field(default_factory=set)  # float32 tensors
    ends: list[Op] = field(default_factory=list)  # the DEQUANTIZE and the QUANTIZE ops


def _detour(graph: Graph, op: Op) -> Detour | None:
    """What begins with this DEQUANTIZE; None where float32 is read by anything but moves and QUANTIZE back."""
    if op.name != "DEQUANTIZE" or len(op.inputs) != 1 or len(op.outputs) != 1:
        return None
    x = graph.tensors[op.inputs[0]]
    if x.dtype != "int8" or x.data is not None or x.quantization is None or x.quantization.scale.size != 1:
        return None
    found, waiting, is_any = Detour(x.index, ends=[op]), [op.outputs[0]], False
    while waiting:
        index = waiting.pop()
        if index in graph.outputs or index in found.moved:
            return None
        found.moved.add(index)
        for reader in (reader for reader in graph.ops if index in reader.inputs):
            if reader.name == "QUANTIZE" and _is_same(graph.tensors[reader.outputs[0]], x.quantization):
                found.ends.append(reader)
            elif reader.name in MOVES and reader.inputs.index(index) == MOVES[reader.name]:
                waiting += reader.outputs
                is_any = True
            else:
                return None
    return found if is_any and not set(graph.outputs) & {end.outputs[0] for end in found.ends} else None


def _is_same(tensor: Tensor, quantization: Quantization) -> bool:
    return tensor.dtype == "int8" and tensor.quantization is not None and tensor.quantization.equals(quantization)


def _move_bytes(subgraph: Any, detour: Detour) -> None:
    """Make the moved tensors int8 and let everybody read and write them without the ends."""
    source = subgraph.tensors[detour.source]
    for index in detour.moved:
        subgraph.tensors[index].type, subgraph.tensors[index].quantization = source.type, source.quantization
    stands_for = {end.outputs[0]: end.inputs[0] for end in detour.ends[1:]}
    stands_for[detour.ends[0].outputs[0]] = detour.source
    for op in subgraph.operators:
        op.inputs = [_final(stands_for, index) for index in op.inputs]


def _final(stands_for: dict[int, int], index: int) -> int:
    while index in stands_for:
        index = stands_for[index]
    return index


def _repeats(graph: Graph, op: Op) -> NDArray[np.int64] | None:
    """How often a TILE of bytes repeats along each axis; None for another op, or where that is not known."""
    if op.name != "TILE" or len(op.inputs) != 2 or len(op.outputs) != 1:
        return None
    x, y, times = (graph.tensors[index] for index in (*op.inputs[:1], *op.outputs, op.inputs[1]))
    if times.data is None or times.dtype not in ("int32", "int64") or times.shape != (len(x.shape),):
        return None
    repeats = np.asarray(times.data, np.int64)
    fits = tuple(int(size * count) for size, count in zip(x.shape, repeats, strict=True)) == y.shape
    return repeats if fits and repeats.size and repeats.min() >= 1 and max(y.shape) <= MOST_VALUES else None


def _gathers(schema: Any, model: Any, graph: Graph, op: Op) -> list[Any]:
    """One GATHER for each axis that the TILE repeats, the last one first: what lies together is copied together."""
    repeats = _repeats(graph, op)
    assert repeats is not None
    subgraph = model.subgraphs[0]
    axes = [axis for axis in range(len(repeats) - 1, -1, -1) if repeats[axis] > 1] or [0]
    shape, x, made = list(graph.tensors[op.inputs[0]].shape), op.inputs[0], []
    for axis in axes:
        indexes = np.tile(np.arange(shape[axis], dtype=np.int32), int(repeats[axis]))
        shape[axis] = len(indexes)
        y = op.outputs[0]
        if axis != axes[-1]:
            y = add_tensor(subgraph, f"{graph.label(op)}/axis_{axis}", shape, subgraph.tensors[y])
        where = add_integers(model, f"{graph.label(op)}/indexes_{axis}", indexes)
        made.append(_operator(schema, model, "GATHER", [x, where], y, axis))
        x = y
    return made


def _is_long_join(graph: Graph, op: Op) -> bool:
    """Whether the op joins more int8 tensors than TFLM takes, none of which is rescaled."""
    if op.name not in ("PACK", "CONCATENATION") or not isinstance(op.options, ConcatenationOptions):
        return False
    if not MAX_INPUTS < len(op.inputs) <= MAX_INPUTS**2 or ABSENT in op.inputs or len(op.outputs) != 1:
        return False
    y, axis = graph.tensors[op.outputs[0]], op.options.axis
    xs = [graph.tensors[index] for index in op.inputs]
    rank = len(y.shape)
    return (
        op.options.activation is Activation.NONE
        and -rank <= axis < rank
        and {len(x.shape) for x in xs} == {rank - (op.name == "PACK")}
        and y.quantization is not None
        and all(_is_same(x, y.quantization) for x in xs)
    )


def _joins(schema: Any, model: Any, graph: Graph, op: Op) -> list[Any]:
    """The op for each group of its inputs, and a CONCATENATION of what they make."""
    assert isinstance(op.options, ConcatenationOptions)
    subgraph, y = model.subgraphs[0], graph.tensors[op.outputs[0]]
    given, axis = subgraph.operators[op.index], op.options.axis % len(y.shape)
    inputs = list(given.inputs)  # as they are now, without detours
    made, groups = [], []
    for start in range(0, len(inputs), MAX_INPUTS):
        group = inputs[start : start + MAX_INPUTS]
        sizes = [1 if op.name == "PACK" else graph.tensors[index].shape[axis] for index in group]
        shape = [*y.shape[:axis], sum(sizes), *y.shape[axis + 1 :]]
        groups.append(add_tensor(subgraph, f"{graph.label(op)}/group_{start}", shape, subgraph.tensors[y.index]))
        part = copy(given)
        part.inputs, part.outputs = group, [groups[-1]]
        if op.name == "PACK":
            part.builtinOptions = copy(given.builtinOptions)
            part.builtinOptions.valuesCount = len(group)
        made.append(part)
    whole = _operator(schema, model, "CONCATENATION", groups, y.index, axis)
    return [*made, whole]


def _operator(schema: Any, model: Any, name: str, inputs: list[int], y: int, axis: int) -> Any:
    """A GATHER or a CONCATENATION along an axis."""
    op = new_op(model, name, inputs, y)
    options = f"{name.capitalize()}Options"
    op.builtinOptionsType = getattr(schema.BuiltinOptions, options)
    op.builtinOptions = getattr(schema, f"{options}T")()
    op.builtinOptions.axis = axis
    return op
