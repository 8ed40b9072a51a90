"""Messages as the bytes of a payload, and back, by the layouts that protocol.py declares."""

from __future__ import annotations

import struct
from dataclasses import astuple
from typing import Any, TypeVar

from tinyproof.protocol import (
    SCALAR_FORMATS,
    SHA256_BYTES,
    TENSOR_RANK_LIMIT,
    TEXT_LIMIT,
    Message,
    TensorSpec,
    TensorTrace,
    wire_fields,
)

M = TypeVar("M", bound=Message)
TENSOR_TRACE = struct.Struct("<" + "".join(SCALAR_FORMATS[kind][1:] for _, kind, _ in wire_fields(TensorTrace)))


class ProtocolError(ValueError):
    """A payload that does not have the layout its message declares."""


def pack(message: Message) -> bytes:
    """The payload of a message."""
    return b"".join(_pack_field(kind, getattr(message, name)) for name, kind, _ in wire_fields(type(message)))


def unpack(message: type[M], payload: bytes) -> M:
    """The message in a payload. Raises ProtocolError unless the payload has exactly the declared layout."""
    values = {}
    position = 0
    try:
        for name, kind, _ in wire_fields(message):
            values[name], position = _unpack_field(kind, payload, position)
    except (struct.error, UnicodeDecodeError) as error:
        raise ProtocolError(f"{message.__name__}: {error}") from error
    if position != len(payload):
        raise ProtocolError(f"{message.__name__}: {len(payload) - position} bytes too many")
    return message(**values)


def _pack_field(kind: str, value: Any) -> bytes:
    if kind in SCALAR_FORMATS:
        return struct.pack(SCALAR_FORMATS[kind], value)
    if kind == "text":
        data: bytes = value.encode()[:TEXT_LIMIT]
        return bytes([len(data)]) + data
    if kind == "tensors":
        return bytes([len(value)]) + b"".join(_pack_tensor_spec(spec) for spec in value)
    if kind == "traces":
        return b"".join(TENSOR_TRACE.pack(*astuple(trace)) for trace in value)
    return bytes(value)  # sha256, rest


def _unpack_field(kind: str, payload: bytes, position: int) -> tuple[Any, int]:
    if kind == "rest":
        return payload[position:], len(payload)
    if kind == "traces":
        return tuple(TensorTrace(*values) for values in TENSOR_TRACE.iter_unpack(payload[position:])), len(payload)
    if kind in SCALAR_FORMATS:
        layout = SCALAR_FORMATS[kind]
        return struct.unpack_from(layout, payload, position)[0], position + struct.calcsize(layout)
    if kind == "sha256":
        return _take(payload, position, SHA256_BYTES)
    count, position = _unpack_field("u8", payload, position)
    if kind == "text":
        data, position = _take(payload, position, count)
        return data.decode(), position
    specs = []
    for _ in range(count):
        spec, position = _unpack_tensor_spec(payload, position)
        specs.append(spec)
    return tuple(specs), position


def _take(payload: bytes, position: int, size: int) -> tuple[bytes, int]:
    if position + size > len(payload):
        raise ProtocolError(f"payload ends {position + size - len(payload)} bytes early")
    return payload[position : position + size], position + size


def _pack_tensor_spec(spec: TensorSpec) -> bytes:
    return struct.pack(f"<B{len(spec.shape)}Hfi", len(spec.shape), *spec.shape, spec.scale, spec.zero_point)


def _unpack_tensor_spec(payload: bytes, position: int) -> tuple[TensorSpec, int]:
    rank, position = _unpack_field("u8", payload, position)
    if rank > TENSOR_RANK_LIMIT:
        raise ProtocolError(f"a tensor of rank {rank}; the limit is {TENSOR_RANK_LIMIT}")
    layout = f"<{rank}Hfi"
    *shape, scale, zero_point = struct.unpack_from(layout, payload, position)
    return TensorSpec(tuple(shape), scale, zero_point), position + struct.calcsize(layout)
