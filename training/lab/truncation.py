"""A `.tflite` cut off behind one of its ops: the same model, whose answer is that op's output.

This is how a device shows what happens inside it: the shorter model runs with the same kernels and the same constants,
and its output goes over the line like any other. No TensorFlow; the file is rewritten at the level of its flatbuffer.
"""

from __future__ import annotations

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from export.graph import ABSENT


def truncate(tflite: bytes, op_index: int) -> bytes:
    """The model of ops 0 to `op_index`, whose outputs are those of the last; what only later ops used is left out.

    `tflite` must be what `export.tflite_reader` accepts.
    """
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph = model.subgraphs[0]
    graph.operators = graph.operators[: op_index + 1]
    graph.outputs = list(graph.operators[-1].outputs)
    _keep_used_tensors(graph)
    _keep_used_buffers(model, graph)
    model.signatureDefs = None  # they and the metadata refer to tensors and buffers by their old numbers
    model.metadata = None
    model.metadataBuffer = None
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


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
