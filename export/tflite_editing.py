"""A `.tflite` as objects that can be changed, and back: what rewriting it takes, whoever does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.tflite_reader import BROKEN_OFFSETS

RESHAPE_VERSION = 1
INT8_VERSION = 2  # of GATHER, CONCATENATION and QUANTIZE the first that takes int8 and gives it


def unpacked(content: bytes, source: str) -> Any:
    """The model's object. UserError where offsets lead out of the bytes."""
    from ai_edge_litert import schema_py_generated as schema

    try:
        return schema.ModelT.InitFromPackedBuf(content, 0)
    except BROKEN_OFFSETS:
        raise UserError(
            f"{source} is not a readable .tflite: an offset leads out of the file; export it again."
        ) from None


def add_tensor(subgraph: Any, name: str | bytes, shape: Sequence[int], like: Any | None = None, buffer: int = 0) -> int:
    """The index of a new tensor, with the type and the quantization of another one, if that is given."""
    from ai_edge_litert import schema_py_generated as schema

    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
    if like is not None:
        tensor.type, tensor.quantization = like.type, like.quantization
    subgraph.tensors.append(tensor)
    return len(subgraph.tensors) - 1


def add_buffer(model: Any, values: NDArray[Any]) -> int:
    """The index of a new buffer with these numbers, little-endian as they are."""
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_integers(model: Any, name: str | bytes, values: NDArray[Any]) -> int:
    """The index of a new constant of whole numbers, int32."""
    from ai_edge_litert import schema_py_generated as schema

    index = add_tensor(model.subgraphs[0], name, values.shape, buffer=add_buffer(model, values.astype("<i4")))
    model.subgraphs[0].tensors[index].type = schema.TensorType.INT32
    return index


def new_reshape(model: Any, name: str, x: int, y: int, shape: Sequence[int]) -> Any:
    """A RESHAPE of tensor x to y, of that shape; `name` is y's. It stands nowhere yet."""
    from ai_edge_litert import schema_py_generated as schema

    sizes = add_integers(model, f"{name}/shape", np.array(shape))
    op = new_op(model, "RESHAPE", [x, sizes], y, RESHAPE_VERSION)
    op.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    op.builtinOptions = schema.ReshapeOptionsT()
    op.builtinOptions.newShape = list(shape)
    return op


def new_op(model: Any, name: str, inputs: list[int], y: int, version: int = INT8_VERSION) -> Any:
    """An op with one output; it stands nowhere yet, and has no options."""
    from ai_edge_litert import schema_py_generated as schema

    op = schema.OperatorT()
    number = getattr(schema.BuiltinOperator, name)
    op.opcodeIndex, op.inputs, op.outputs = _code(schema, model, number, version), inputs, [y]
    return op


def _code(schema: Any, model: Any, number: int, version: int) -> int:
    """The place of the op among the file's op codes."""
    for place, code in enumerate(model.operatorCodes):
        if code.builtinCode == number and code.version == version:
            return place
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = number
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def packed(model: Any) -> bytes:
    """The bytes of the file."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
