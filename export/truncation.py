"""A `.tflite` cut off behind some of its ops: the same model, whose answers are what those ops compute.

This is how a device shows what happens inside it: the shorter model has the same constants, and its outputs go over the
line like any other's. No TensorFlow; the file is rewritten at the level of its flatbuffer.
"""

from __future__ import annotations

from collections.abc import Sequence

from ai_edge_litert import schema_py_generated as schema

from tinyproof.export.graph import ABSENT
from tinyproof.export.tflite_editing import packed, unpacked


def truncate(tflite: bytes, op_indexes: Sequence[int]) -> bytes:
    """The model up to the last of these ops, whose outputs are what each of them computes, in this order.

    What only later ops used is left out. `tflite` must be what `tflite_reader` accepts.
    """
    model = unpacked(tflite, "the model")
    graph = model.subgraphs[0]
    graph.operators = graph.operators[: max(op_indexes) + 1]
    graph.outputs = [graph.operators[index].outputs[0] for index in op_indexes]
    _keep_used_tensors(graph)
    _keep_used_buffers(model, graph)
    model.signatureDefs = None  # they and the metadata refer to tensors and buffers by their old numbers
    model.metadata = None
    model.metadataBuffer = None
    return packed(model)


def _keep_used_tensors(graph: schema.SubGraphT) -> None:
    used = {*graph.inputs, *(index for op in graph.operators for index in (*op.inputs, *op.outputs))} - {ABSENT}
    new = {old: index for index, old in enumerate(sorted(used))} | {ABSENT: ABSENT}
    graph.tensors = [graph.tensors[old] for old in sorted(used)]
    graph.inputs = [new[index] for index in graph.inputs]
    graph.outputs = [new[index] for index in graph.outputs]
    for op in graph.operators:
        op.inputs = [new[index] for index in op.inputs]
        op.outputs = [new[index] for index in op.outputs]


def _keep_used_buffers(model: schema.ModelT, graph: schema.SubGraphT) -> None:
    used = sorted({0, *(tensor.buffer for tensor in graph.tensors)})
    new = {old: index for index, old in enumerate(used)}
    model.buffers = [model.buffers[old] for old in used]
    for tensor in graph.tensors:
        tensor.buffer = new[tensor.buffer]
