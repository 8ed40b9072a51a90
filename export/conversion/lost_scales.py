"""Gives what ops write the scale that they write it in, where the converter wrote another.

An LSTM writes in the scale of its hidden state, an op that moves bytes in that of its input. Where the result is joined
with others (Bidirectional, Concatenate), the converter may write the scale of the whole to it and leave the op as it
was: every kernel then gives other numbers than those meant. A QUANTIZE between them says the truth.
"""

from __future__ import annotations

from tinyproof.export.byte_moves import MOVES
from tinyproof.export.graph import ABSENT, Graph, Op, Tensor
from tinyproof.export.ops.lstm import HIDDEN_STATE, LSTM
from tinyproof.export.tflite_editing import add_tensor, new_op, packed, unpacked
from tinyproof.export.tflite_reader import read_graph


def with_written_scales(content: bytes) -> bytes:
    """The model just converted, with a QUANTIZE behind each such op; the same bytes where there is none."""
    graph = read_graph(content, "the converted model")
    wrong = {op.index: written for op in graph.ops if (written := _mislabelled(graph, op))}
    if not wrong:
        return content
    model = unpacked(content, "the converted model")
    subgraph = model.subgraphs[0]
    ops = []
    for index, op in enumerate(subgraph.operators):
        ops.append(op)
        for y, like in wrong.get(index, {}).items():
            tensor = subgraph.tensors[y]
            between = add_tensor(subgraph, tensor.name, tensor.shape, subgraph.tensors[like])
            op.outputs = [between if output == y else output for output in op.outputs]
            ops.append(new_op(model, "QUANTIZE", [between], y))
    subgraph.operators = ops
    return packed(model)


def _mislabelled(graph: Graph, op: Op) -> dict[int, int]:
    """By output of the op whose scale is not the one it is written in, the tensor that has this scale."""
    place = MOVES.get(op.name, HIDDEN_STATE if op.name == LSTM.tflite_name else ABSENT)
    if not 0 <= place < len(op.inputs) or op.inputs[place] == ABSENT:
        return {}
    like = graph.tensors[op.inputs[place]]
    ys = [graph.tensors[index] for index in op.outputs]
    return {y.index: like.index for y in ys if y.dtype == like.dtype == "int8" and not _is_same(y, like)}


def _is_same(a: Tensor, b: Tensor) -> bool:
    return a.quantization is None or b.quantization is None or a.quantization.equals(b.quantization)
