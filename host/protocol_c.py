"""Generates the device's protocol.h from the declarations in host/protocol.py."""

from __future__ import annotations

import re

from host import protocol
from host.protocol import MESSAGES, SCALAR_FORMATS, Message, wire_fields

C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i32": "int32_t", "f32": "float"}
SCALAR_BYTES = {"u8": 1, "u16": 2, "u32": 4, "i32": 4, "f32": 4}
assert C_TYPES.keys() == SCALAR_BYTES.keys() == SCALAR_FORMATS.keys()


def protocol_header() -> str:
    """The text of protocol.h: ids, limits, and for every message of the device a struct and its pack function."""
    limits = ("PROTOCOL_VERSION", "TENSOR_RANK_LIMIT", "TENSOR_COUNT_LIMIT", "TEXT_LIMIT")
    parts = [
        "// Generated from host/protocol.py. Do not edit.",
        '#pragma once\n#include "payload.h"',
        _enum([(name, str(getattr(protocol, name))) for name in limits]),
        _enum([(f"MESSAGE_{_upper(m)}", f"0x{m.ID:02X}") for m in MESSAGES]),
        _enum([(f"ERROR_{code.name}", str(code.value)) for code in protocol.ErrorCode]),
        _enum([(f"{_upper(m)}_BYTES", str(_size(m))) for m in MESSAGES if m.TO_DEVICE and _size(m)]),
        *(_message(m) for m in MESSAGES if not m.TO_DEVICE),
    ]
    return "\n\n".join(parts) + "\n"


def _enum(entries: list[tuple[str, str]]) -> str:
    return "enum {\n" + "".join(f"    {name} = {value},\n" for name, value in entries) + "};"


def _snake(message: type[Message]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", message.__name__).lower()


def _upper(message: type[Message]) -> str:
    return _snake(message).upper()


def _message(message: type[Message]) -> str:
    name = _snake(message)
    packed = [(field, kind, doc) for field, kind, doc in wire_fields(message) if kind != "rest"]
    rest = [field for field, kind, _ in wire_fields(message) if kind == "rest"]
    tail = f" `{rest[0]}` follows it as the tail of the frame." if rest else ""
    declarations = "".join(f"    {_declaration(field, kind)};  // {doc}\n" for field, kind, doc in packed)
    puts = "".join(f"    p = {_put(field, kind)};\n" for field, kind, _ in packed)
    size = sum(_limit_bytes(kind) for _, kind, _ in packed)
    return (
        f"// {message.__doc__}{tail}\ntypedef struct {{\n{declarations}}} {name};\n\n"
        f"enum {{ {_upper(message)}_LIMIT_BYTES = {size} }};\n\n"
        f"// out ({_upper(message)}_LIMIT_BYTES,); returns the bytes used.\n"
        f"static inline size_t {name}_pack(uint8_t *out, const {name} *message) {{\n"
        f"    uint8_t *p = out;\n{puts}    return (size_t)(p - out);\n}}"
    )


def _size(message: type[Message]) -> int:
    """Bytes of the fixed fields of a request."""
    return sum(_limit_bytes(kind) for _, kind, _ in wire_fields(message) if kind != "rest")


def _declaration(field: str, kind: str) -> str:
    if kind == "text":
        return f"const char *{field}"
    if kind == "sha256":
        return f"const uint8_t *{field}"
    if kind == "tensors":
        return f"const tensor_spec *{field};\n    uint8_t {field}_count"
    return f"{C_TYPES[kind]} {field}"


def _put(field: str, kind: str) -> str:
    if kind == "text":
        return f"put_text(p, message->{field}, TEXT_LIMIT)"
    if kind == "sha256":
        return f"put_bytes(p, message->{field}, {protocol.SHA256_BYTES})"
    if kind == "tensors":
        return f"put_tensors(p, message->{field}, message->{field}_count)"
    return f"put_{kind}(p, message->{field})"


def _limit_bytes(kind: str) -> int:
    if kind == "text":
        return 1 + protocol.TEXT_LIMIT
    if kind == "sha256":
        return protocol.SHA256_BYTES
    if kind == "tensors":
        return 1 + protocol.TENSOR_COUNT_LIMIT * (1 + 2 * protocol.TENSOR_RANK_LIMIT + 4 + 4)
    return SCALAR_BYTES[kind]
