"""Weights of 4 bits in a `.tflite`, written as the int8 numbers that every engine computes with.

TensorFlow Lite Micro and LiteRT unpack them before they multiply, so the answers are the same; the file is larger.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.tflite_editing import add_buffer, packed, unpacked
from tinyproof.export.tflite_reader import read_graph


def with_whole_bytes(content: bytes, source: str) -> bytes:
    """The model with its int4 constants as int8; the same bytes where there are none. UserError where they are no
    model.
    """
    graph = read_graph(content, source)
    narrow = [tensor.index for tensor in graph.tensors if tensor.dtype == "int4"]
    if not narrow:
        return content
    from ai_edge_litert import schema_py_generated as schema

    model = unpacked(content, source)
    tensors = model.subgraphs[0].tensors
    constants = [tensors[index] for index in narrow if _holds(model.buffers[tensors[index].buffer], tensors[index])]
    packed_buffers = {tensor.buffer for tensor in constants}
    for tensor in constants:
        values = signed_halves(np.asarray(model.buffers[tensor.buffer].data, np.uint8), prod(tensor.shape))
        tensor.type, tensor.buffer = schema.TensorType.INT8, add_buffer(model, values)
    for index in packed_buffers - {tensor.buffer for tensor in tensors}:
        model.buffers[index].data = None
    return packed(model) if constants else content


def _holds(buffer: Any, tensor: Any) -> bool:
    """Whether the buffer, a BufferT, has two numbers of the tensor, a TensorT, in each byte."""
    if buffer.data is None or tensor.shape is None:
        return False
    return bool(len(buffer.data) == (prod(tensor.shape) + 1) // 2 > 0)


def signed_halves(halves: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """The first `count` numbers -8..7 of bytes that hold two each, the lower half first.

    >>> signed_halves(np.array([0x7F, 0x08], np.uint8), 3).tolist()
    [-1, 7, -8]
    """
    pairs = np.stack([halves << 4, halves & 0xF0], -1).reshape(-1)[:count]
    return pairs.view(np.int8) >> 4
