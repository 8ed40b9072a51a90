"""Generates the device's protocol.h from the declarations in tinyproof/protocol.py."""

from __future__ import annotations

import re
import struct

from tinyproof import protocol
from tinyproof.protocol import MESSAGES, SCALAR_FORMATS, TAILS, Message, TensorTrace, wire_fields

C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i32": "int32_t", "f32": "float"}
assert C_TYPES.keys() == SCALAR_FORMATS.keys()
Declared = type[Message | TensorTrace]


def protocol_header() -> str:
    """The text of protocol.h: ids, limits, a struct for each message, and for the device's own a call that sends it."""
    limits = ("PROTOCOL_VERSION", "TENSOR_RANK_LIMIT", "TENSOR_COUNT_LIMIT", "TEXT_LIMIT")
    parts = [
        "// Generated from tinyproof/protocol.py. Do not edit.",
        '#pragma once\n#include "frame.h"\n#include "payload.h"',
        _enum(
            [(name, str(getattr(protocol, name))) for name in limits]
            + [("REQUEST_HEAD_LIMIT", str(max(_native(m).size for m in MESSAGES if m.TO_DEVICE)))]
        ),
        _enum([(f"MESSAGE_{_snake(m).upper()}", f"0x{m.ID:02X}") for m in MESSAGES]),
        _enum([(f"ERROR_{code.name}", str(code.value)) for code in protocol.ErrorCode]),
        *(_request(m) for m in MESSAGES if m.TO_DEVICE and _head(m)),
        _record(TensorTrace),
        *(_reply(m) for m in MESSAGES if not m.TO_DEVICE),
    ]
    return "\n\n".join(parts) + "\n"


def _enum(entries: list[tuple[str, str]]) -> str:
    return "enum {\n" + "".join(f"    {name} = {value},\n" for name, value in entries) + "};"


def _snake(declared: Declared) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", declared.__name__).lower()


def _head(declared: Declared) -> list[tuple[str, str, str]]:
    """The fields of fixed layout, in front of the tail."""
    return [(name, kind, doc) for name, kind, doc in wire_fields(declared) if kind not in TAILS]


def _struct(declared: Declared) -> str:
    members = "".join(f"    {_member(field, kind)};  // {doc}\n" for field, kind, doc in _head(declared))
    return f"// {declared.__doc__}\ntypedef struct {{\n{members}}} {_snake(declared)};\n\n" if members else ""


def _native(message: Declared) -> struct.Struct:
    """The layout that C gives the head."""
    return struct.Struct("@" + "".join(SCALAR_FORMATS[kind][1:] for _, kind, _ in _head(message)))


def _request(message: Declared) -> str:
    """The head of a request as the device reads it: in place, since payloads are aligned to 4 bytes."""
    native = _native(message)
    packed = struct.Struct("<" + native.format[1:])
    assert native.size == packed.size and packed.size % 4 == 0, f"{message.__name__}: its layout has gaps in C"
    return _struct(message).rstrip()


def _record(record: Declared) -> str:
    name = _snake(record)
    return f"{_struct(record)}static inline void {name}_put(const {name} *message) {{\n{_puts(record)}}}"


def _reply(message: Declared) -> str:
    """The function that sends a reply, or begins it where a tail of any length follows."""
    name = _snake(message)
    tail = [field for field, kind, _ in wire_fields(message) if kind in TAILS]
    argument = f", const {name} *message" if _head(message) else ""
    end = "" if tail else "    frame_end();\n"
    note = f"// `{tail[0]}` follows by frame_put(), then frame_end().\n" if tail else ""
    return (
        f"{_struct(message)}{note}"
        f"static inline void {name}_{'begin' if tail else 'send'}(uint16_t sequence{argument}) {{\n"
        f"    frame_begin(MESSAGE_{name.upper()}, sequence);\n{_puts(message)}{end}}}"
    )


def _puts(declared: Declared) -> str:
    return "".join(f"    {_put(field, kind)};\n" for field, kind, _ in _head(declared))


def _member(field: str, kind: str) -> str:
    if kind == "text":
        return f"const char *{field}"
    if kind == "sha256":
        return f"const uint8_t *{field}"
    if kind == "tensors":
        return f"const tensor_spec *{field};\n    uint8_t {field}_count"
    return f"{C_TYPES[kind]} {field}"


def _put(field: str, kind: str) -> str:
    if kind == "text":
        return f"put_text(message->{field}, TEXT_LIMIT)"
    if kind == "sha256":
        return f"frame_put(message->{field}, {protocol.SHA256_BYTES})"
    if kind == "tensors":
        return f"put_tensors(message->{field}, message->{field}_count)"
    return f"put_{kind}(message->{field})"
