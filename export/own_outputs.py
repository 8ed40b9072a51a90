"""Outputs of a `.tflite` that are an input, or another output once more: each gets a tensor of its own.

A RESHAPE to the same shape, which every engine and the golden run, gives the bytes another name; the compiled engine
copies them where it has to. So a device has as many outputs as the file has, in the file's order.
"""

from __future__ import annotations

from typing import Any

from tinyproof.export.graph import ABSENT, Graph
from tinyproof.export.tflite_editing import add_tensor, new_reshape, packed, unpacked
from tinyproof.export.tflite_reader import read_graph


def with_own_outputs(content: bytes, source: str) -> bytes:
    """The model with such outputs renamed; the same bytes where none is such. UserError where they are no model."""
    graph = read_graph(content, source)
    again = _again(graph)
    if not again:
        return content
    model = unpacked(content, source)
    outputs = list(model.subgraphs[0].outputs)
    for place in again:
        outputs[place] = _renamed(model, graph, outputs[place], place)
    model.subgraphs[0].outputs = outputs
    model.signatureDefs = None  # they refer to the outputs by their old numbers
    return packed(model)


def _again(graph: Graph) -> list[int]:
    """The places among the outputs of those that are an input or an earlier output."""
    found, known = [], set(graph.inputs)
    for place, index in enumerate(graph.outputs):
        if index in known and index != ABSENT:
            found.append(place)
        known.add(index)
    return found


def _renamed(model: Any, graph: Graph, index: int, place: int) -> int:
    """The new tensor of a RESHAPE of tensor `index`, an op at the end of the model."""
    subgraph, tensor = model.subgraphs[0], graph.tensors[index]
    name = f"{tensor.name}/output_{place}"
    y = add_tensor(subgraph, name, tensor.shape, subgraph.tensors[index])
    subgraph.operators.append(new_reshape(model, name, index, y, tensor.shape))
    return y
