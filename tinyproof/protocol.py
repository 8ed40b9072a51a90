"""The wire protocol, declared once: messages, ids, field layouts and limits.

Everything else follows from the dataclasses below: `pack` and `unpack` (payload.py), the device's `protocol.h`
(protocol_c.py) and the protocol page of the docs (protocol_docs.py). Integers are little-endian, tensors are raw int8
bytes. Where a message starts and ends and whether it arrived whole is framing.py's concern.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum
from math import prod
from typing import Any, ClassVar

PROTOCOL_VERSION = 2
TENSOR_RANK_LIMIT = 6
TENSOR_COUNT_LIMIT = 4  # input tensors, and output tensors, of one model
TEXT_LIMIT = 200  # bytes of UTF-8 in one text field; the device cuts longer ones

# Wire kinds of a field. `text` is a length byte and UTF-8; `tensors` a count byte and that many tensor specs. `rest` is
# every byte up to the end of the payload, `traces` as many tensor traces as there are up to it: these come last.
SCALAR_FORMATS = {"u8": "<B", "u16": "<H", "u32": "<I", "i32": "<i", "f32": "<f"}
TAILS = ("rest", "traces")
SHA256_BYTES = 32


class ErrorCode(IntEnum):
    """Why a device refused a request."""

    UNKNOWN_MESSAGE = 1
    WRONG_LENGTH = 2
    FRAME_TOO_LONG = 3
    ENGINE_NOT_READY = 4
    NO_SUCH_BYTES = 5
    NO_SUCH_BAUD = 6


def wire(kind: str, doc: str) -> Any:
    """A dataclass field with its wire kind and its line in the docs."""
    return field(metadata={"kind": kind, "doc": doc})


@dataclass(frozen=True)
class TensorSpec:
    """Shape and quantization of one int8 tensor: real value = (byte - zero_point) * scale."""

    shape: tuple[int, ...]
    scale: float
    zero_point: int

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape))}, scale {self.scale:.9g}, zero point {self.zero_point}"


@dataclass(frozen=True)
class TensorTrace:
    """What a device says about one tensor of an inference."""

    size: int = wire("u32", "bytes of the tensor")
    crc: int = wire("u32", "CRC-32 of its bytes")
    ticks: int = wire("u32", "counter ticks since the tensor before it was there, modulo 2^32; 0 if unknown")


class Message:
    """Base of all messages; a subclass is a frozen dataclass with an id and wire fields."""

    ID: ClassVar[int]
    TO_DEVICE: ClassVar[bool]


@dataclass(frozen=True)
class Hello(Message):
    """Who are you? Under sequence number 0, again and again until the device answers. A new number begins a session."""

    ID = 0x01
    TO_DEVICE = True
    session: int = wire("u32", "chosen at random by the host; not 0")


@dataclass(frozen=True)
class Infer(Message):
    """Run the model once. The same sequence number again fetches the stored reply instead of running twice."""

    ID = 0x02
    TO_DEVICE = True
    input: bytes = wire("rest", "the input tensors one after the other, raw int8")


@dataclass(frozen=True)
class Trace(Message):
    """Run the model once and tell of every tensor on the way. Asked again, the device runs it again."""

    ID = 0x03
    TO_DEVICE = True
    input: bytes = wire("rest", "the input tensors one after the other, raw int8")


@dataclass(frozen=True)
class Fetch(Message):
    """Run the model once and send bytes of one of the tensors that a trace tells of."""

    ID = 0x04
    TO_DEVICE = True
    tensor: int = wire("u16", "which one, in the order of the trace, from 0")
    size: int = wire("u16", "how many bytes")
    start: int = wire("u32", "the first of them")
    input: bytes = wire("rest", "the input tensors one after the other, raw int8")


@dataclass(frozen=True)
class SetBaud(Message):
    """Change the speed of the line. Where no whole frame comes at the new one, the device goes back to the first."""

    ID = 0x05
    TO_DEVICE = True
    baud: int = wire("u32", "the speed wanted")


@dataclass(frozen=True)
class HelloReply(Message):
    """What the device is, which model it runs, and how much it can take at once. Comes unasked after a reset, too."""

    ID = 0x81
    TO_DEVICE = False
    protocol_version: int = wire("u8", "version of this protocol; stays the first field for ever")
    session: int = wire("u32", "the session in force; 0 after a reset")
    session_is_new: int = wire("u8", "0 when the device was in this session already, so that nothing is forgotten")
    boot_count: int = wire("u32", "starts since power came on; a change during a run means the device was reset")
    model_sha256: bytes = wire("sha256", "SHA-256 of the .tflite the firmware was made from")
    segments_sha256: bytes = wire(
        "sha256", "SHA-256 the device computed at boot over the model's constants in its flash"
    )
    board: str = wire("text", "name of the board in the board table")
    engine: str = wire("text", "what computes the model")
    fault: str = wire("text", "why the engine cannot run, in words; empty when it can")
    counter_unit: str = wire("text", "what the counter counts: instructions, cycles or nanoseconds")
    counter_numerator: int = wire("u16", "unit = ticks * numerator / denominator")
    counter_denominator: int = wire("u16", "see counter_numerator")
    clock_hz: int = wire("u32", "CPU clock; 0 where it means nothing")
    receive_buffer_bytes: int = wire("u32", "bytes the device can hold while it computes")
    baud: int = wire("u32", "speed of the line after a reset; 0 where it has none that could change")
    reply_slots: int = wire("u8", "replies the device keeps for repeated requests: the most requests in flight")
    arena_bytes: int = wire("u32", "working memory of the engine for one inference")
    stack_bytes: int = wire("u32", "size of the stack; 0 if unknown")
    stack_used_bytes: int = wire("u32", "deepest use of the stack since boot; 0 if unknown")
    self_test_vectors: int = wire("u8", "golden vectors tried at boot")
    self_test_failures: int = wire("u8", "golden vectors whose output bytes differed")
    inputs: tuple[TensorSpec, ...] = wire("tensors", "the model's input tensors")
    outputs: tuple[TensorSpec, ...] = wire("tensors", "the model's output tensors")

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs together."""
        return sum(prod(tensor.shape) for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs together."""
        return sum(prod(tensor.shape) for tensor in self.outputs)


@dataclass(frozen=True)
class InferReply(Message):
    """The result of one inference, under the sequence number of its request."""

    ID = 0x82
    TO_DEVICE = False
    ticks: int = wire("u32", "counter ticks that the inference took, modulo 2^32")
    output: bytes = wire("rest", "the output tensors one after the other, raw int8")


@dataclass(frozen=True)
class TraceReply(Message):
    """What happened within one inference: the model's inputs as the engine has them, then what its ops compute."""

    ID = 0x83
    TO_DEVICE = False
    tensors: tuple[TensorTrace, ...] = wire("traces", "every tensor in the order of computation, the inputs first")


@dataclass(frozen=True)
class FetchReply(Message):
    """Part of one tensor."""

    ID = 0x84
    TO_DEVICE = False
    data: bytes = wire("rest", "the bytes asked for")


@dataclass(frozen=True)
class SetBaudReply(Message):
    """The last frame at the speed before."""

    ID = 0x85
    TO_DEVICE = False
    baud: int = wire("u32", "the speed from the next byte on")


@dataclass(frozen=True)
class LogLine(Message):
    """A line for humans, at any time, under sequence number 0."""

    ID = 0x90
    TO_DEVICE = False
    text: str = wire("text", "one line, no newline")


@dataclass(frozen=True)
class ErrorReply(Message):
    """The request under this sequence number was refused and changed nothing."""

    ID = 0xFF
    TO_DEVICE = False
    code: int = wire("u8", "an error code")
    text: str = wire("text", "the reason in words")


MESSAGES: tuple[type[Message], ...] = (
    *(Hello, Infer, Trace, Fetch, SetBaud),
    *(HelloReply, InferReply, TraceReply, FetchReply, SetBaudReply, LogLine, ErrorReply),
)
MESSAGE_BY_ID = {message.ID: message for message in MESSAGES}


def wire_fields(message: type[Message | TensorTrace]) -> list[tuple[str, str, str]]:
    """The (name, kind, doc) of a message's fields in wire order."""
    return [(f.name, f.metadata["kind"], f.metadata["doc"]) for f in fields(message)]  # type: ignore[arg-type]


# Checked once at import: a declaration mistake is found before anything is sent.
for _message in MESSAGES:
    assert all(kind not in TAILS for _, kind, _ in wire_fields(_message)[:-1]), f"{_message.__name__}: a tail is last"
