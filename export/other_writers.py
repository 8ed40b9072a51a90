"""What files of other writers hold that LiteRT reads and TensorFlow Lite Micro gets wrong, written as both read it.

TFLM takes whole numbers of 64 bits for twice as many of 32, the filters for each channel of a depthwise layer from its
options where LiteRT takes them from the shapes, and ends the process where the bias of one is left out by a -1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyproof.export.graph import ABSENT, Graph, Op
from tinyproof.export.ops.convolution import ConvolutionOptions
from tinyproof.export.tflite_editing import add_integers, packed, unpacked
from tinyproof.export.tflite_reader import read_graph

# The operands that TFLM reads as int32, whatever their type.
WHOLE_NUMBERS = {
    "STRIDED_SLICE": (1, 2, 3),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), (1, 2)),
    **dict.fromkeys(("TRANSPOSE", "PAD", "PADV2", "GATHER", "REVERSE_V2", "RESIZE_BILINEAR"), (1,)),
    **dict.fromkeys(("RESIZE_NEAREST_NEIGHBOR", "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), (1,)),
}
INT32 = np.iinfo(np.int32)
DEPTHWISE, BIAS = "DEPTHWISE_CONV_2D", 2


def as_tflm_reads(content: bytes, source: str) -> bytes:
    """The same model; the same bytes where there is nothing to change. UserError where they are no model."""
    graph = read_graph(content, source)
    long = [(op, place) for op in graph.ops for place in WHOLE_NUMBERS.get(op.name, ()) if _is_long(graph, op, place)]
    unbiased = [op for op in graph.ops if op.name == DEPTHWISE and op.inputs[BIAS:] == (ABSENT,)]
    multiplied = {op.index: times for op in graph.ops if (times := _other_multiplier(graph, op))}
    if not long and not unbiased and not multiplied:
        return content
    model = unpacked(content, source)
    ops = model.subgraphs[0].operators
    for op, place in long:
        number = _as_int32(model, graph, op.inputs[place])
        ops[op.index].inputs = [number if k == place else x for k, x in enumerate(ops[op.index].inputs)]
    for op in unbiased:
        ops[op.index].inputs = ops[op.index].inputs[:BIAS]
    for index, times in multiplied.items():
        ops[index].builtinOptions.depthMultiplier = times
    return packed(model)


def _is_long(graph: Graph, op: Op, place: int) -> bool:
    tensor = graph.tensors[op.inputs[place]] if place < len(op.inputs) and op.inputs[place] != ABSENT else None
    return tensor is not None and tensor.dtype == "int64" and tensor.data is not None


def _as_int32(model: Any, graph: Graph, index: int) -> int:
    """The index of a new tensor of the same numbers; what is beyond 32 bits, such as an open end, as far as it goes."""
    tensor = graph.tensors[index]
    assert tensor.data is not None
    numbers = np.clip(np.asarray(tensor.data, np.int64), INT32.min, INT32.max)
    return add_integers(model, f"{tensor.name}/int32", numbers)


def _other_multiplier(graph: Graph, op: Op) -> int:
    """How many filters of a depthwise layer see each channel, by its shapes; 0 where its options say the same."""
    if op.name != DEPTHWISE or not isinstance(op.options, ConvolutionOptions) or ABSENT in op.inputs[:BIAS]:
        return 0
    x, filters = ([*graph.tensors[index].shape] for index in op.inputs[:BIAS])
    times, rest = divmod(filters[-1], x[-1]) if filters and x and x[-1] > 0 else (0, 0)
    return times if not rest and times != op.options.multiplier else 0
