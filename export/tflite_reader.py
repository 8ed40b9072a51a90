"""Reads the bytes of a `.tflite` into a typed Graph, and nothing else: what an engine can run is `lower`'s concern.

The bytes are not trusted: whatever they are, the answer is a Graph or one UserError, soon. The flatbuffer accessors
check little, so every count, index and extent is checked here against the file before it is used.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.foreign_files import foreign, foreign_folder
from tinyproof.export.graph import ABSENT, Graph, Op, Quantization, Tensor
from tinyproof.export.ops import BY_TFLITE_NAME

# More than any model that fits a microcontroller has; they bound the time and memory that a corrupt file can take.
MAX_TENSORS = 4096
MAX_OPS = 1024
MAX_OPERANDS = 256
MAX_RANK = 8
MAX_NAME_BYTES = 4096

SCHEMA_VERSION = 3
NUMPY_DTYPES = ("float32", "float16", "int32", "uint8", "int64", "bool", "int16", "int8", "float64", "uint32", "uint16")
DTYPE_NAMES = {code: name.lower() for name, code in vars(tflite.TensorType).items() if name.isupper()}
OP_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}

CONTROL_FLOW = {"IF", "WHILE", "CALL", "CALL_ONCE", "STABLEHLO_WHILE", "STABLEHLO_COMPOSITE", "STABLEHLO_CASE"}

# What the flatbuffer accessors and numpy raise when an offset leads out of the file.
BROKEN_OFFSETS = (struct.error, IndexError, ValueError, TypeError, OverflowError)


class _Damaged(Exception):
    """What is wrong with the file, in words."""


def load_graph(path: Path) -> Graph:
    """Read a `.tflite` file. UserError when it cannot be opened or is not one."""
    return read_graph(read_tflite(path), str(path))


def read_tflite(path: Path) -> bytes:
    """The bytes of a `.tflite` file. UserError when it cannot be opened."""
    try:
        return path.read_bytes()
    except OSError as error:
        if path.is_dir():
            raise UserError(f"{path} is {foreign_folder(path)}.") from None
        raise UserError(f"cannot read {path}: {error.strerror}; give the path of a .tflite file.") from None


def read_graph(content: bytes, source: str) -> Graph:
    """Read the bytes of a `.tflite`; `source` names them in messages. UserError when they are damaged."""
    try:
        return _Reader(content, source).graph()
    except _Damaged as error:
        raise UserError(f"{source} is not a readable .tflite: {error}; export it again.") from None
    except RecursionError:
        raise UserError(f"{source} is not a readable .tflite: it refers to itself; export it again.") from None
    except BROKEN_OFFSETS:
        raise UserError(
            f"{source} is not a readable .tflite: an offset leads out of the file, so it is damaged or cut short; "
            "export it again."
        ) from None


class _Reader:
    """One pass over one file. Vectors other than constants are copied, at most four times the file in all."""

    def __init__(self, content: bytes, source: str) -> None:
        self._content = content
        self._source = source
        self._values_left = 4 * len(content)
        if len(content) < 8:
            raise _Damaged(f"it holds {len(content)} bytes")
        if content[4:8] != b"TFL3":
            raise _Damaged(what_else(content))
        self._model = tflite.Model.GetRootAs(content, 0)

    def graph(self) -> Graph:
        """The one subgraph."""
        if self._model.Version() != SCHEMA_VERSION:
            raise _Damaged(f"its schema version is {self._model.Version()}, not {SCHEMA_VERSION}")
        if self._model.SubgraphsLength() != 1:
            raise UserError(
                f"{self._source} holds {self._model.SubgraphsLength()} subgraphs, and microcontroller engines run one; "
                f"{self._subgraphs_cure()}"
            )
        subgraph = self._model.Subgraphs(0)
        self._tensor_count = _limited(subgraph.TensorsLength(), MAX_TENSORS, "tensors")
        op_count = _limited(subgraph.OperatorsLength(), MAX_OPS, "ops")
        self._refuse_any_size(subgraph)
        return Graph(
            source=self._source,
            sha256=hashlib.sha256(self._content).hexdigest(),
            file_bytes=len(self._content),
            tensors=tuple(self._tensor(subgraph.Tensors(index), index) for index in range(self._tensor_count)),
            ops=tuple(self._op(subgraph.Operators(index), index) for index in range(op_count)),
            inputs=self._indexes(subgraph, "Inputs"),
            outputs=self._indexes(subgraph, "Outputs"),
            batch_is_open=any((signature[:1] < 0).any() for _, signature in self._signatures(subgraph)),
        )

    def _refuse_any_size(self, subgraph: Any) -> None:
        """UserError for an input whose size, but for the batch, is left open."""
        for index, signature in self._signatures(subgraph):
            if (signature[1:] < 0).any():
                name = _text(subgraph.Tensors(index).Name(), "the name of an input")
                raise UserError(
                    f"{self._source}: its input '{name}' is of any size, and a device takes one: convert it again with "
                    "a fixed shape, such as keras.Input((H, W, C), batch_size=1)"
                )

    def _signatures(self, subgraph: Any) -> Iterator[tuple[int, NDArray[Any]]]:
        """Each input, and its shape with -1 for what is left open; empty where nothing is."""
        for index in self._indexes(subgraph, "Inputs"):
            if index != ABSENT:
                yield index, self._vector(subgraph.Tensors(index), "ShapeSignature", MAX_RANK)

    def _subgraphs_cure(self) -> str:
        """What to do about more subgraphs than one: they are parts of control flow, or signatures of their own."""
        count = _limited(self._model.OperatorCodesLength(), MAX_OPS, "op codes")
        codes = [self._model.OperatorCodes(index) for index in range(count)]
        used = {OP_NAMES.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "") for code in codes}
        branching = sorted(used & CONTROL_FLOW)
        if branching:
            return f"export the model without control flow (it has {', '.join(branching)})."
        signatures = _limited(self._model.SignatureDefsLength(), MAX_OPERANDS, "signatures")
        keys = [_text(self._model.SignatureDefs(index).SignatureKey(), "a signature") for index in range(signatures)]
        if len(keys) > 1:
            return f"it has the signatures {', '.join(keys)}: convert one of them, with signature_keys=['{keys[0]}']."
        return "export the model with one of them."

    def _vector(self, table: Any, field: str, limit: int) -> NDArray[Any]:
        """A vector of numbers; empty where the file leaves it out."""
        length = _limited(getattr(table, f"{field}Length")(), min(limit, self._values_left), f"values of {field}")
        if length == 0:
            return np.zeros(0, np.int64)
        self._values_left -= length
        values: NDArray[Any] = getattr(table, f"{field}AsNumpy")()
        return values

    def _indexes(self, table: Any, field: str) -> tuple[int, ...]:
        """A vector of tensor indexes."""
        indexes = tuple(int(value) for value in self._vector(table, field, MAX_OPERANDS))
        for index in indexes:
            if index != ABSENT and not 0 <= index < self._tensor_count:
                raise _Damaged(f"{field} refers to tensor {index} of {self._tensor_count}")
        return indexes

    def _tensor(self, table: tflite.Tensor, index: int) -> Tensor:
        name = _text(table.Name(), f"the name of tensor {index}")
        if table.Sparsity() is not None:
            raise _Damaged(f"tensor {index} is stored sparse, which microcontroller engines do not read")
        shape = tuple(int(value) for value in self._vector(table, "Shape", MAX_RANK))
        dtype = DTYPE_NAMES.get(table.Type(), f"type {table.Type()}")
        return Tensor(
            index=index,
            name=name,
            shape=shape,
            dtype=dtype,
            quantization=self._quantization(table.Quantization(), index),
            data=self._constant(table.Buffer(), shape, dtype, index),
            is_variable=bool(table.IsVariable()),
        )

    def _quantization(self, table: tflite.QuantizationParameters | None, index: int) -> Quantization | None:
        if table is None or table.ScaleLength() == 0 or table.ZeroPointLength() == 0:  # as in TFLM: it takes none
            return None
        scale = self._vector(table, "Scale", len(self._content)).astype(np.float32)
        zero_point = self._vector(table, "ZeroPoint", len(self._content)).astype(np.int64)
        if zero_point.size != scale.size:
            raise _Damaged(f"tensor {index} has {scale.size} scales and {zero_point.size} zero points")
        if np.any(zero_point != zero_point.astype(np.int32)):
            raise _Damaged(f"a zero point of tensor {index} does not fit 32 bits")
        return Quantization(scale, zero_point.astype(np.int32), int(table.QuantizedDimension()))

    def _constant(self, buffer_index: int, shape: tuple[int, ...], dtype: str, index: int) -> NDArray[Any] | None:
        """The tensor's bytes in the file as an array of its shape; None when it is computed at run time."""
        if not 0 <= buffer_index < self._model.BuffersLength():
            raise _Damaged(f"tensor {index} refers to buffer {buffer_index} of {self._model.BuffersLength()}")
        buffer = self._model.Buffers(buffer_index)
        if buffer.Size() > 1:
            raise _Damaged(f"the data of tensor {index} lies outside of the flatbuffer")
        if buffer.DataLength() == 0 or dtype not in NUMPY_DTYPES:
            return None
        values = buffer.DataAsNumpy()
        if min(shape, default=1) < 0 or values.size != prod(shape) * np.dtype(dtype).itemsize:
            raise _Damaged(f"tensor {index} of shape {shape} and type {dtype} holds {values.size} bytes")
        constant: NDArray[Any] = values.view(np.dtype(dtype).newbyteorder("<")).reshape(shape)
        return constant

    def _op(self, table: tflite.Operator, index: int) -> Op:
        if not 0 <= table.OpcodeIndex() < self._model.OperatorCodesLength():
            raise _Damaged(f"op {index} refers to op code {table.OpcodeIndex()} of {self._model.OperatorCodesLength()}")
        code = self._model.OperatorCodes(table.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # files from before 2020 have only the second
        name = OP_NAMES.get(number, f"OP_{number}")
        if number == tflite.BuiltinOperator.CUSTOM:
            name = f"{name} {_text(code.CustomCode(), f'the name of op {index}')}".strip()
        kind = BY_TFLITE_NAME.get(name)
        options = table.BuiltinOptions() if kind and table.BuiltinOptionsType() == kind.options_type else None
        return Op(
            index=index,
            name=name,
            version=code.Version(),
            inputs=self._indexes(table, "Inputs"),
            outputs=self._indexes(table, "Outputs"),
            options=None if kind is None or options is None else kind.parse(options),
        )


def _text(value: bytes | None, what: str) -> str:
    value = value or b""
    if len(value) > MAX_NAME_BYTES:
        raise _Damaged(f"{what} is {len(value)} bytes long")
    return value.decode("utf-8", "replace")


def what_else(content: bytes) -> str:
    """What a file is that does not begin like a .tflite."""
    if content.startswith(b"\x89HDF"):
        return "it is HDF5, as Keras wrote .h5, and lacks the TFL3 identifier: give it as a Keras model"
    if content.startswith(b"PK") and (b"config.json" in content[:4096] or b"model.weights.h5" in content):
        return "it lacks the TFL3 identifier and is a .keras file under another name: give it as a Keras model"
    if kind := foreign(content):
        return f"it lacks the TFL3 identifier and is {kind}"
    return "it does not start with the TFL3 identifier"


def _limited(count: int, limit: int, what: str) -> int:
    if not 0 <= count <= limit:
        raise _Damaged(f"it claims {count} {what}, more than {limit}")
    return count
