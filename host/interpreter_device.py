"""A device without firmware: Python's interpreter answers the protocol on standard input and output.

Started like any other emulated board (host/emulators.py):

    python -m tinyproof.host.interpreter_device MODEL_FOLDER

It runs TensorFlow Lite Micro where its wheel exists, else Python's default interpreter, and says which in HELLO; with
the word `reference` behind the folder LiteRT's reference kernels, whose bytes are not the golden's everywhere. It can
be traced like firmware with the engine tflm, but for the time of single ops, which Python's interpreters do not tell.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.tflite_reader import read_graph
from tinyproof.framing import Decoder, Frame, Session, encode
from tinyproof.host.interpreters import (
    Interpreter,
    LiteRT,
    TensorKeeper,
    default_interpreter,
    golden_interpreter,
    tensor_keeper,
)
from tinyproof.manifest import TFLITE_FILE, Manifest, TensorInfo, load_manifest
from tinyproof.payload import ProtocolError, pack, unpack
from tinyproof.protocol import (
    PROTOCOL_VERSION,
    ErrorCode,
    ErrorReply,
    Fetch,
    FetchReply,
    Hello,
    HelloReply,
    Infer,
    InferReply,
    Message,
    TensorSpec,
    TensorTrace,
    Trace,
    TraceReply,
)

REPLY_SLOTS = 16
FETCH_HEAD_BYTES = len(pack(Fetch(0, 0, 0, b"")))
RECEIVE_BUFFER_BYTES = 4096  # what a pseudo-terminal holds


class InterpreterDevice:
    """Answers frames the way firmware/core/app.c does; `send` puts bytes on the line."""

    def __init__(self, manifest: Manifest, tflite: bytes, send: Callable[[bytes], object], reference: bool) -> None:
        self._manifest = manifest
        self._tflite = tflite
        # One interpreter for both where it keeps its tensors anyway; a second one, made when needed, where that costs.
        self._keeper: TensorKeeper | None = LiteRT(tflite, keep_tensors=True) if reference else None
        self._interpreter: Interpreter = self._keeper or golden_interpreter(tflite) or default_interpreter(tflite)
        graph = read_graph(tflite, TFLITE_FILE)
        self._watched = [*graph.inputs, *(index for op in graph.ops for index in op.outputs)]
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
        if frame.type not in (Infer.ID, Trace.ID, Fetch.ID):
            return ErrorReply(ErrorCode.UNKNOWN_MESSAGE, "this device does not know that message")
        head = FETCH_HEAD_BYTES if frame.type == Fetch.ID else 0
        if len(frame.payload) != head + self._manifest.input_bytes:
            return ErrorReply(ErrorCode.WRONG_LENGTH, "the payload is not as long as the model's input")
        if frame.type == Trace.ID:
            return self._trace(frame.payload)
        if frame.type == Fetch.ID:
            return self._fetch(unpack(Fetch, frame.payload))
        if frame.sequence not in self._kept:
            self._kept[frame.sequence] = self._infer(frame.payload)
            if len(self._kept) > REPLY_SLOTS:
                self._kept.popitem(last=False)
        return self._kept[frame.sequence]

    def _trace(self, data: bytes) -> TraceReply:
        tensors = [tensor.tobytes() for tensor in self._run_kept(data)]
        return TraceReply(tuple(TensorTrace(len(t), zlib.crc32(t), 0) for t in tensors))

    def _fetch(self, request: Fetch) -> Message:
        tensors = self._run_kept(request.input)
        tensor = tensors[request.tensor].tobytes() if request.tensor < len(tensors) else b""
        if request.tensor >= len(tensors) or request.start + request.size > len(tensor):
            return ErrorReply(ErrorCode.NO_SUCH_BYTES, "the model computes no such tensor, or a shorter one")
        return FetchReply(tensor[request.start : request.start + request.size])

    def _run_kept(self, data: bytes) -> list[NDArray[np.generic]]:
        """The inputs, and every tensor that the ops compute, in the order of the model."""
        if self._keeper is None:
            self._keeper = tensor_keeper(self._tflite)
        self._keeper.run_bytes(data)
        return [self._keeper.tensor(index) for index in self._watched]

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
        start = time.process_time_ns()
        output = self._interpreter.run_bytes(data)
        return InferReply((time.process_time_ns() - start) & 0xFFFFFFFF, output)

    def _hello(self, session_is_new: bool) -> HelloReply:
        def specs(tensors: tuple[TensorInfo, ...]) -> tuple[TensorSpec, ...]:
            return tuple(TensorSpec(tuple(t.shape), t.scale, t.zero_point) for t in tensors)

        return HelloReply(
            protocol_version=PROTOCOL_VERSION,
            session=self._decoder.session.number,
            session_is_new=session_is_new,
            boot_count=1,
            model_sha256=bytes.fromhex(self._manifest.model_sha256),
            segments_sha256=hashlib.sha256(self._tflite).digest(),
            board="interpreter",
            engine=self._interpreter.name,
            fault="",
            counter_unit="nanoseconds",
            counter_numerator=1,
            counter_denominator=1,
            clock_hz=0,
            receive_buffer_bytes=RECEIVE_BUFFER_BYTES,
            baud=0,
            reply_slots=REPLY_SLOTS,
            arena_bytes=0,
            stack_bytes=0,
            stack_used_bytes=0,
            self_test_vectors=0,
            self_test_failures=0,
            inputs=specs(self._manifest.inputs),
            outputs=specs(self._manifest.outputs),
        )


def main(model: Path, reference: bool) -> None:
    """Serve until the line closes."""

    def send(data: bytes) -> None:
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]

    device = InterpreterDevice(load_manifest(model), (model / TFLITE_FILE).read_bytes(), send, reference)
    try:
        while data := os.read(sys.stdin.fileno(), 4096):
            device.push(data)
    except OSError:  # the other side of the pseudo-terminal is gone
        return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] == ["reference"])
