"""Gives what ops write the scale that they write it in, where the converter wrote another.

An LSTM writes in the scale of its hidden state, an op that moves bytes in that of its input. Where the result is joined
with others (Bidirectional, Concatenate), the converter may write the scale of the whole to it and leave the op as it
was: every kernel then gives other numbers than those meant. A QUANTIZE between them says the truth.
"""

from __future__ import annotations

import numpy as np

from tinyproof.export.byte_moves import MOVES
from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.ops.lstm import HIDDEN_STATE, LSTM
from tinyproof.export.tflite_reader import read_graph

QUANTIZE_VERSION = 2  # the first from int8 to int8


def with_written_scales(content: bytes) -> bytes:
    """The model just converted, with a QUANTIZE behind each such op; the same bytes where there is none."""
    graph = read_graph(content, "the converted model")
    wrong = {op.index: written for op in graph.ops if (written := _mislabelled(graph, op))}
    if not wrong:
        return content
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    subgraph, code = model.subgraphs[0], schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = QUANTIZE_VERSION
    model.operatorCodes.append(code)
    ops = []
    for index, op in enumerate(subgraph.operators):
        ops.append(op)
        for y, like in wrong.get(index, {}).items():
            tensor, written = subgraph.tensors[y], schema.TensorT()
            written.name, written.shape, written.buffer = tensor.name, tensor.shape, 0
            written.type, written.quantization = tensor.type, subgraph.tensors[like].quantization
            subgraph.tensors.append(written)
            between, quantize = len(subgraph.tensors) - 1, schema.OperatorT()
            op.outputs = [between if output == y else output for output in op.outputs]
            quantize.opcodeIndex, quantize.inputs, quantize.outputs = len(model.operatorCodes) - 1, [between], [y]
            ops.append(quantize)
    subgraph.operators = ops
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _mislabelled(graph: Graph, op: Op) -> dict[int, int]:
    """By output of the op whose scale is not the one it is written in, the tensor that has this scale."""
    place = MOVES.get(op.name, HIDDEN_STATE if op.name == LSTM.tflite_name else ABSENT)
    if not 0 <= place < len(op.inputs) or op.inputs[place] == ABSENT:
        return {}
    like = graph.tensors[op.inputs[place]]
    ys = [graph.tensors[index] for index in op.outputs]
    return {y.index: like.index for y in ys if y.dtype == like.dtype == "int8" and not _is_same(y, like)}


def _is_same(a: Tensor, b: Tensor) -> bool:
    x, y = a.quantization, b.quantization
    if x is None or y is None:
        return True
    return bool(np.array_equal(x.scale, y.scale) and np.array_equal(x.zero_point, y.zero_point))
