"""A device without firmware: Python's interpreter answers the protocol on standard input and output.

Started like any other emulated board (host/emulators.py) as `python -m host.interpreter_device <model folder>`. It runs
TensorFlow Lite Micro where its wheel exists, else Python's default interpreter, and says which in HELLO.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from export.manifest import TFLITE_FILE, Manifest, TensorInfo, load_manifest
from host.framing import Decoder, Frame, Session, encode
from host.interpreters import Interpreter, default_interpreter, golden_interpreter
from host.protocol import (
    PROTOCOL_VERSION,
    ErrorCode,
    ErrorReply,
    Hello,
    HelloReply,
    Infer,
    InferReply,
    Message,
    ProtocolError,
    TensorSpec,
    pack,
    unpack,
)

REPLY_SLOTS = 16
RECEIVE_BUFFER_BYTES = 4096  # what a pseudo-terminal holds


class InterpreterDevice:
    """Answers frames the way firmware/core/app.c does; `send` puts bytes on the line."""

    def __init__(self, manifest: Manifest, tflite: bytes, send: Callable[[bytes], object]) -> None:
        self._manifest = manifest
        self._tflite_sha256 = hashlib.sha256(tflite).digest()
        self._interpreter: Interpreter = golden_interpreter(tflite) or default_interpreter(tflite)
        self._send = send
        self._decoder = Decoder()
        self._kept: OrderedDict[int, InferReply] = OrderedDict()

    def push(self, data: bytes) -> None:
        """Take bytes from the line and answer what they complete."""
        for frame in self._decoder.push(data):
            reply = self._answer(frame)
            self._send(encode(Frame(reply.ID, frame.sequence, pack(reply)), self._decoder.session.number))

    def _answer(self, frame: Frame) -> Message:
        if frame.type == Hello.ID:
            return self._answer_hello(frame.payload)
        if frame.type != Infer.ID:
            return ErrorReply(ErrorCode.UNKNOWN_MESSAGE, "this device does not know that message")
        if len(frame.payload) != self._manifest.input_bytes:
            return ErrorReply(ErrorCode.WRONG_LENGTH, "the payload is not as long as the model's input")
        if frame.sequence not in self._kept:
            self._kept[frame.sequence] = self._infer(frame.payload)
            if len(self._kept) > REPLY_SLOTS:
                self._kept.popitem(last=False)
        return self._kept[frame.sequence]

    def _answer_hello(self, payload: bytes) -> Message:
        try:
            session = unpack(Hello, payload).session
        except ProtocolError as error:
            return ErrorReply(ErrorCode.WRONG_LENGTH, str(error))
        is_new = session != self._decoder.session.number
        if is_new:
            self._kept.clear()
            self._decoder.session = Session(session)
        return self._hello(is_new)

    def _infer(self, data: bytes) -> InferReply:
        start = time.perf_counter_ns()
        output = self._interpreter.run_bytes(data)
        return InferReply((time.perf_counter_ns() - start) & 0xFFFFFFFF, output)

    def _hello(self, session_is_new: bool) -> HelloReply:
        def specs(tensors: tuple[TensorInfo, ...]) -> tuple[TensorSpec, ...]:
            return tuple(TensorSpec(tuple(t.shape), t.scale, t.zero_point) for t in tensors)

        return HelloReply(
            protocol_version=PROTOCOL_VERSION,
            session=self._decoder.session.number,
            session_is_new=session_is_new,
            boot_count=1,
            model_sha256=bytes.fromhex(self._manifest.model_sha256),
            segments_sha256=self._tflite_sha256,
            board="interpreter",
            engine=self._interpreter.name,
            fault="",
            counter_unit="nanoseconds",
            counter_numerator=1,
            counter_denominator=1,
            clock_hz=0,
            receive_buffer_bytes=RECEIVE_BUFFER_BYTES,
            reply_slots=REPLY_SLOTS,
            arena_bytes=0,
            stack_bytes=0,
            stack_used_bytes=0,
            self_test_vectors=0,
            self_test_failures=0,
            inputs=specs(self._manifest.inputs),
            outputs=specs(self._manifest.outputs),
        )


def main(model: Path) -> None:
    """Serve until the line closes."""

    def send(data: bytes) -> None:
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]

    device = InterpreterDevice(load_manifest(model), (model / TFLITE_FILE).read_bytes(), send)
    try:
        while data := os.read(sys.stdin.fileno(), 4096):
            device.push(data)
    except OSError:  # the other side of the pseudo-terminal is gone
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
