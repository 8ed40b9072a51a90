"""Float32 and uint8 borders taken off a `.tflite`, so that every engine and the golden see the same int8 model.

What rescales as well stays, with a uint8 tensor outside counted from -128 instead of from 0.

A converter that is not asked for int8 inputs and outputs wraps the int8 model: QUANTIZE first, DEQUANTIZE (or QUANTIZE
to uint8) last. A device exchanges int8 tensors, so these ops go and the tensors behind them become the model's inputs
and outputs. The file is changed in place, a few words of it; everything else keeps its place and alignment.
"""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import tflite

from tinyproof.export.graph import Graph, Op, Tensor
from tinyproof.export.tflite_reader import read_graph

# Places of the fields in their tables' vtables, from the schema.
SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS, MODEL_SIGNATURES = 6, 8, 10, 18
TENSOR_TYPE, QUANTIZATION_ZERO_POINT = 6, 10


def with_int8_ends(content: bytes, source: str) -> tuple[bytes, str]:
    """The model with int8 inputs and outputs where that needs no arithmetic, and a line that says so, or ''.

    UserError where the bytes are no model. What is not such a border is left for the export to refuse.
    """
    content, taken_off = _without_borders(content, read_graph(content, source))
    content, recounted = _counted_from_minus_128(content, read_graph(content, source))
    return content, "; ".join(filter(None, [taken_off, recounted]))


def _counted_from_minus_128(content: bytes, graph: Graph) -> tuple[bytes, str]:
    """The model with uint8 ends of QUANTIZE ops that rescale as int8, 128 less, and a line about it, or ''."""
    ends = [tensor for index in (*graph.inputs, *graph.outputs) if (tensor := graph.tensors[index]).dtype == "uint8"]
    recounted = [tensor for tensor in ends if _is_quantized_alone(graph, tensor)]
    changed = bytearray(content)
    subgraph = tflite.Model.GetRootAs(content, 0).Subgraphs(0)
    for tensor in recounted:
        table = subgraph.Tensors(tensor.index)
        quantization = table.Quantization()
        if quantization.ZeroPointLength() != 1:
            return content, ""  # the file leaves it out, so that it cannot be changed in place
        at = quantization._tab.Vector(quantization._tab.Offset(QUANTIZATION_ZERO_POINT))
        changed[table._tab.Pos + table._tab.Offset(TENSOR_TYPE)] = tflite.TensorType.INT8
        struct.pack_into("<q", changed, at, struct.unpack_from("<q", content, at)[0] - 128)
    if not recounted or not _is_recounted(read_graph(bytes(changed), graph.source), graph, recounted):
        return content, ""
    names = ", ".join(f"uint8 '{tensor.name}'" for tensor in recounted)
    return bytes(changed), f"counted from -128 instead of 0, for a device exchanges int8: {names}"


def _is_quantized_alone(graph: Graph, tensor: Tensor) -> bool:
    """Whether only QUANTIZE ops read or make the uint8 tensor, and int8 lies behind them."""
    ops = [op for op in graph.ops if tensor.index in (*op.inputs, *op.outputs)]
    pairs = [(op.name, len(op.inputs), len(op.outputs)) for op in ops]
    others = {graph.tensors[index].dtype for op in ops for index in (*op.inputs, *op.outputs) if index != tensor.index}
    return set(pairs) == {("QUANTIZE", 1, 1)} and others == {"int8"} and tensor.quantization is not None


def _is_recounted(changed: Graph, graph: Graph, recounted: list[Tensor]) -> bool:
    """Whether these tensors and no others are another type with another zero point: parts of files may be shared."""

    def facts(tensor: Tensor, less: int) -> object:
        q = tensor.quantization
        dtype = "int8" if less else tensor.dtype
        return dtype, q and (q.scale.tolist(), (q.zero_point - less).tolist())

    places = {tensor.index for tensor in recounted}
    wanted = [facts(tensor, 128 * (tensor.index in places)) for tensor in graph.tensors]
    return [facts(tensor, 0) for tensor in changed.tensors] == wanted


def _without_borders(content: bytes, graph: Graph) -> tuple[bytes, str]:
    """The model without the ops that only make int8 of its inputs, or something else of its outputs, and a line."""
    entries = {op.inputs[0]: op for op in graph.ops if _is_entry(graph, op)}
    exits = {op.outputs[0]: op for op in graph.ops if _is_exit(graph, op)}
    dropped = [*entries.values(), *exits.values()]
    if not dropped:
        return content, ""
    inputs = tuple(entries[index].outputs[0] if index in entries else index for index in graph.inputs)
    outputs = tuple(exits[index].inputs[0] if index in exits else index for index in graph.outputs)
    kept = tuple(op for op in graph.ops if op not in dropped)
    changed = _patched(content, inputs, outputs, [op.index for op in kept])
    wanted = replace(graph, inputs=inputs, outputs=outputs, ops=kept)
    if _ends_and_ops(read_graph(changed, graph.source)) != _ends_and_ops(wanted):
        return content, ""  # parts of this file share their bytes, so that it cannot be changed in place
    ends = ", ".join(f"{graph.tensors[index].dtype} '{graph.tensors[index].name}'" for index in (*entries, *exits))
    return changed, f"taken off the model, for a device exchanges int8: {ends}"


def _is_entry(graph: Graph, op: Op) -> bool:
    """Whether the op alone reads an input that is not int8, and turns it into int8."""
    if op.name != "QUANTIZE" or len(op.inputs) != 1 or len(op.outputs) != 1 or op.inputs[0] not in graph.inputs:
        return False
    x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    alone = sum(x.index in other.inputs for other in graph.ops) == 1
    return alone and y.index not in graph.outputs and y.dtype == "int8" and _is_outer(x, y)


def _is_exit(graph: Graph, op: Op) -> bool:
    """Whether the op turns an int8 tensor that the model computes into an output of another type."""
    if op.name not in ("DEQUANTIZE", "QUANTIZE") or len(op.inputs) != 1 or len(op.outputs) != 1:
        return False
    x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    read = any(y.index in other.inputs for other in graph.ops)
    computed = x.data is None and x.index not in (*graph.inputs, *graph.outputs)
    return y.index in graph.outputs and not read and computed and x.dtype == "int8" and _is_outer(y, x)


def _is_outer(outer: Tensor, inner: Tensor) -> bool:
    """Whether `outer` is the int8 tensor `inner` as numbers, or as bytes that begin at 0 instead of -128."""
    if outer.dtype == "float32":
        return True
    a, b = outer.quantization, inner.quantization
    return (
        outer.dtype == "uint8"
        and a is not None
        and b is not None
        and np.array_equal(a.scale, b.scale)
        and np.array_equal(a.zero_point - 128, b.zero_point)
    )


def _patched(content: bytes, inputs: tuple[int, ...], outputs: tuple[int, ...], kept: list[int]) -> bytes:
    """The file with these inputs and outputs and only these of its ops."""
    changed = bytearray(content)
    model = tflite.Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)._tab
    for field, indexes in ((SUBGRAPH_INPUTS, inputs), (SUBGRAPH_OUTPUTS, outputs)):
        struct.pack_into(f"<{len(indexes)}i", changed, subgraph.Vector(subgraph.Offset(field)), *indexes)
    ops = subgraph.Vector(subgraph.Offset(SUBGRAPH_OPERATORS))  # each entry points forward, from where it stands
    tables = [subgraph.Indirect(ops + 4 * index) for index in kept]
    struct.pack_into("<I", changed, ops - 4, len(kept))
    for place, table in enumerate(tables):
        struct.pack_into("<I", changed, ops + 4 * place, table - (ops + 4 * place))
    signatures = model._tab.Offset(MODEL_SIGNATURES)
    if signatures:  # they name the tensors that went
        struct.pack_into("<I", changed, model._tab.Vector(signatures) - 4, 0)
    return bytes(changed)


def _ends_and_ops(graph: Graph) -> object:
    return graph.inputs, graph.outputs, [replace(op, index=0) for op in graph.ops]
