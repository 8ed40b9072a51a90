"""Dilated convolutions of a `.tflite` that are written as SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND.

That is how TensorFlow computes them, and the converter makes one dilated op of the three only where the batch is fixed.
TFLM has the op, and pads in SPACE_TO_BATCH_ND with what lies in memory; where the batch is open the file lacks the
shapes between the three, too. What is padded there is zero, as it is outside the image of a convolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.graph import ABSENT, Graph, Op, Padding
from tinyproof.export.ops.convolution import ConvolutionOptions
from tinyproof.export.tflite_editing import add_integers, add_tensor, new_op, new_reshape, packed, unpacked
from tinyproof.export.tflite_reader import read_graph

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
NAMES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")  # of ops that give bytes another shape, as those of Conv1D do
PAD_VERSION = 1

Pairs = NDArray[np.int64]  # (2, 2): before and behind, along the height and the width


def with_dilations(content: bytes, source: str) -> bytes:
    """The model with such convolutions dilated; the same bytes where there are none. UserError where they are no model.

    What is like that and not quite is left for the export to refuse.
    """
    graph = read_graph(content, source)
    found = [dilated for op in graph.ops for chain in _chains(graph, op) if (dilated := _dilated(graph, chain))]
    if not found:
        return content
    model = unpacked(content, source)
    subgraph = model.subgraphs[0]
    replaced = {each.ops[-1].index: _ops(model, graph, each) for each in found}
    gone = _unread(graph, {op.index for each in found for op in each.ops}, set(replaced))
    ops = enumerate(subgraph.operators)
    subgraph.operators = [new for k, op in ops for new in replaced.get(k, [] if k in gone else [op])]
    return packed(model)


@dataclass(frozen=True, eq=False)
class Dilated:
    """The ops from SPACE_TO_BATCH_ND to BATCH_TO_SPACE_ND, and the convolution that they are."""

    ops: tuple[Op, ...]
    conv: Op
    shape: tuple[int, ...]  # of its input, an image
    dilation: tuple[int, int]
    padding: Padding
    pads: Pairs  # what is laid around the input before


def _dilated(graph: Graph, chain: list[Op]) -> Dilated | None:
    """The convolution that these ops are; None where they are none."""
    op, convs = chain[0], [each for each in chain if each.name in CONVOLUTIONS]
    if len(convs) != 1 or not _keeps_bytes(graph, chain):
        return None
    (conv,), options = convs, convs[0].options
    x, y, weights = (graph.tensors[k] for k in (op.inputs[0], chain[-1].outputs[0], conv.inputs[1]))
    if x.data is not None or len(x.shape) != len(y.shape) or x.shape[:1] != (1,) or len(weights.shape) != 4:
        return None
    if not isinstance(options, ConvolutionOptions) or options.padding is not Padding.VALID:
        return None
    kernel = weights.shape[1:3]
    cut, joined = (_blocks(graph, each, kernel, len(x.shape)) for each in (op, chain[-1]))
    if not cut or not joined or cut[0] != joined[0] or options.stride != (1, 1) or options.dilation != (1, 1):
        return None
    dilation, pads, crops = *cut, joined[1]
    image, size = (_image(each.shape, kernel) for each in (x, y))
    spans = (np.array(kernel) - 1) * dilation
    before = pads[:, 0] - crops[:, 0]
    around = np.stack([before, size + spans - image - before], axis=1)
    makes = image + (pads - crops).sum(axis=1) - spans  # what comes out, behind the crops
    if around.min() < 0 or not np.array_equal(makes, size):
        return None
    is_same = np.array_equal(around[:, 0], spans // 2) and np.array_equal(around.sum(axis=1), spans)
    padding = Padding.SAME if is_same else Padding.VALID
    shape = (1, int(image[0]), int(image[1]), x.shape[-1])
    return Dilated(tuple(chain), conv, shape, dilation, padding, np.zeros_like(around) if is_same else around)


def _chains(graph: Graph, op: Op) -> list[list[Op]]:
    """Every way from this SPACE_TO_BATCH_ND to a BATCH_TO_SPACE_ND. Several convolutions may read what it lays out, as
    those of a gated unit do; behind each of them every op is the only one that reads the one before.
    """
    open_ways, found = [[op]] if op.name == "SPACE_TO_BATCH_ND" else [], []
    while open_ways:
        way = open_ways.pop(0)
        if way[-1].name == "BATCH_TO_SPACE_ND":
            found.append(way)
            continue
        readers = _readers(graph, way[-1])
        if len(readers) > 1 and any(each.name in CONVOLUTIONS for each in way):
            continue
        open_ways += [[*way, each] for each in readers if each.name in (*CONVOLUTIONS, *NAMES, "BATCH_TO_SPACE_ND")]
    return found


def _unread(graph: Graph, ops: set[int], last: set[int]) -> set[int]:
    """Those of the ops that nobody else reads once the `last` of them are replaced; indexes in the graph."""
    gone = set(ops)
    for op in reversed(graph.ops):
        if op.index in ops - last and any(op.outputs[0] in each.inputs for each in graph.ops if each.index not in gone):
            gone.remove(op.index)
    return gone


def _image(shape: tuple[int, ...], kernel: tuple[int, ...]) -> NDArray[np.int64]:
    """Height and width; a line (1, n, c) is as narrow as the filters."""
    if len(shape) == 4:
        return np.array(shape[1:3])
    return np.array((1, shape[1]) if kernel[0] == 1 else (shape[1], 1))


def _readers(graph: Graph, op: Op) -> list[Op]:
    """Who reads what an op makes; [] where it is an output of the model, too, or somebody's second operand."""
    if len(op.outputs) != 1 or op.outputs[0] in graph.outputs:
        return []
    readers = [each for each in graph.ops if op.outputs[0] in each.inputs]
    return readers if all(each.inputs[0] == op.outputs[0] for each in readers) else []


def _keeps_bytes(graph: Graph, chain: list[Op]) -> bool:
    """Whether the ops around the convolution move int8 numbers, each as it is."""
    for op in chain:
        x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
        moves = op.name not in CONVOLUTIONS
        if x.dtype != "int8" or y.dtype != "int8" or x.quantization is None or y.quantization is None:
            return False
        if moves and not x.quantization.equals(y.quantization):
            return False
    return True


def _blocks(graph: Graph, op: Op, kernel: tuple[int, ...], rank: int) -> tuple[tuple[int, int], Pairs] | None:
    """Sizes of blocks along both axes of an image, and what is padded or cropped."""
    if len(op.inputs) != 3 or ABSENT in op.inputs or rank not in (3, 4):
        return None
    values = [graph.tensors[index] for index in op.inputs[1:]]
    if any(each.data is None or each.dtype not in ("int32", "int64") for each in values):
        return None
    block, pads = (np.asarray(each.data, np.int64) for each in values)
    if block.ndim != 1 or pads.shape != (block.size, 2) or block.size > rank - 2 or block.size == 0:
        return None
    if block.min() < 1 or pads.min() < 0 or max(block.max(), pads.max()) > 65535:
        return None
    if block.size == 1:
        in_width = rank == 3 and kernel[0] == 1
        block, pads = np.append(block, 1), np.concatenate([pads, [[0, 0]]])
        if in_width:
            block, pads = block[::-1], pads[::-1]
    return (int(block[0]), int(block[1])), pads


def _ops(model: Any, graph: Graph, dilated: Dilated) -> list[Any]:
    """The ops in the place of all of them: the convolution, and what gives its ends other shapes or pads them."""
    from ai_edge_litert import schema_py_generated as schema

    subgraph, name = model.subgraphs[0], graph.label(dilated.conv)
    x, y = dilated.ops[0].inputs[0], dilated.ops[-1].outputs[0]
    conv, made, behind = subgraph.operators[dilated.conv.index], [], []
    if len(graph.tensors[x].shape) != len(dilated.shape):
        wide = add_tensor(subgraph, f"{name}/image", dilated.shape, subgraph.tensors[x])
        made.append(new_reshape(model, f"{name}/image", x, wide, dilated.shape))
        size = _image(graph.tensors[y].shape, graph.tensors[dilated.conv.inputs[1]].shape[1:3])
        shape = (1, *size.tolist(), graph.tensors[y].shape[-1])
        narrow = add_tensor(subgraph, f"{name}/dilated", shape, subgraph.tensors[y])
        behind.append(new_reshape(model, graph.tensors[y].name, narrow, y, graph.tensors[y].shape))
        x, y = wide, narrow
    if dilated.pads.any():
        around = np.array([(0, 0), *dilated.pads, (0, 0)])
        shape = (np.array(dilated.shape) + around.sum(axis=1)).tolist()
        larger = add_tensor(subgraph, f"{name}/padded", shape, subgraph.tensors[x])
        pads = add_integers(model, f"{name}/paddings", around)
        pad = new_op(model, "PAD", [x, pads], larger, PAD_VERSION)
        pad.builtinOptionsType, pad.builtinOptions = schema.BuiltinOptions.PadOptions, schema.PadOptionsT()
        made.append(pad)
        x = larger
    conv.inputs = [x, *list(conv.inputs)[1:]]
    conv.outputs = [y]
    options = conv.builtinOptions
    options.dilationHFactor, options.dilationWFactor = dilated.dilation
    options.padding = schema.Padding.SAME if dilated.padding is Padding.SAME else schema.Padding.VALID
    return [*made, conv, *behind]
