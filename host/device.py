"""One device as the host sees it: who it is, and inferences streamed through it.

Requests are kept in flight up to what the device says it can hold, so the line is busy while the model runs. A request
whose answer does not come is sent again under the same number; the device then repeats its answer instead of computing
it twice. Results come back exactly once each, in order.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from host.console import UserError
from host.framing import OVERHEAD_BYTES, Frame
from host.protocol import (
    PROTOCOL_VERSION,
    ErrorCode,
    ErrorReply,
    Fetch,
    FetchReply,
    Hello,
    HelloReply,
    Infer,
    InferReply,
    LogLine,
    M,
    Message,
    ProtocolError,
    Trace,
    TraceReply,
    pack,
    unpack,
)
from host.transport import LineLost, Transport

HELLO_INTERVAL_S = 0.25
SEQUENCES = 1 << 16
ANSWER_TIMEOUT_S = 5.0  # before a request is sent again
ATTEMPTS = 5
FETCH_BYTES = 4096  # of a tensor in one reply: under half a second at 115,200 baud


class DeviceError(UserError):
    """The device cannot go on, or is not what was asked for."""


@dataclass(frozen=True)
class Inference:
    """What came back for one input."""

    index: int
    output: bytes
    ticks: int


def mean_count(inferences: Sequence[Inference], hello: HelloReply) -> int | None:
    """What one inference took on average, in the unit of the device's counter; None without inferences."""
    if not inferences:
        return None
    ticks = sum(inference.ticks for inference in inferences) / len(inferences)
    return round(ticks * hello.counter_numerator / hello.counter_denominator)


@dataclass
class _Request:
    index: int
    frame: Frame
    sent_at: float
    attempts: int = 1


class Device:
    """A device on an open line. `logs` collects the lines it wrote, `resent` counts requests sent more than once."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.logs: list[str] = []
        self.resent = 0
        self._next_sequence = 1

    def hello(self, timeout_s: float = 10.0) -> HelloReply:
        """Ask until the device answers. Raises DeviceError when nothing, or nothing sensible, comes in time."""
        deadline = time.monotonic() + timeout_s
        sequence = self._take_sequence()  # a reply to an earlier hello may still be on its way, and old
        try:
            while (now := time.monotonic()) < deadline:
                self.transport.send_delimiter()
                self.transport.send(Frame(Hello.ID, sequence, pack(Hello())))
                while (frame := self._receive(min(now + HELLO_INTERVAL_S, deadline))) is not None:
                    if (frame.type, frame.sequence) == (HelloReply.ID, sequence):
                        return _read_hello(frame, self.transport.url)
        except LineLost as error:
            raise DeviceError(f"{error} before it said hello") from error
        if self.transport.bytes_received:
            raise DeviceError(
                f"{self.transport.url}: {self.transport.bytes_received} bytes came, none of them an answer; "
                "is this firmware on it, and the right port?"
            )
        raise DeviceError(
            f"{self.transport.url}: no answer in {timeout_s:g} s; is the board on, flashed, and on this port?"
        )

    def infer(self, inputs: Sequence[bytes], hello: HelloReply) -> Iterator[Inference]:
        """Run every input through the device; yields one Inference each, in order.

        Raises LineLost when the port goes away, DeviceError when the device refuses or stops answering.
        """
        # In flight: at most what the device can repeat, and one frame beyond what fits its buffer while it is busy.
        frame_bytes = (len(inputs[0]) if inputs else 0) + OVERHEAD_BYTES + 8
        window = max(1, min(hello.reply_slots, 1 + hello.receive_buffer_bytes // frame_bytes))
        in_flight: OrderedDict[int, _Request] = OrderedDict()
        results: dict[int, Inference] = {}
        next_input = next_result = 0
        while next_result < len(inputs):
            while len(in_flight) < window and next_input < len(inputs) and next_input < next_result + window:
                request = self._request(next_input, inputs[next_input])
                in_flight[request.frame.sequence] = request
                self.transport.send(request.frame)
                next_input += 1
            oldest = next(iter(in_flight.values()))
            frame = self._receive(oldest.sent_at + ANSWER_TIMEOUT_S)
            if frame is None:
                self._resend(oldest)
            elif answered := in_flight.get(frame.sequence):
                inference = self._answer(answered, frame)
                if inference is not None:
                    del in_flight[frame.sequence]
                    results[inference.index] = inference
            while next_result in results:
                yield results.pop(next_result)
                next_result += 1

    def trace(self, data: bytes) -> TraceReply:
        """Run one input and learn the size, CRC-32 and ticks of every tensor that the engine computes on the way.

        Raises DeviceError when the device cannot, or does not answer.
        """
        return self.ask(Trace(data), TraceReply)

    def fetch(self, tensor: int, start: int, size: int, data: bytes) -> bytes:
        """Bytes `start` to `start + size` of tensor number `tensor` of a trace, when the input is `data`.

        Raises DeviceError when the tensor has no such bytes, or the device does not answer.
        """
        parts = []
        for at in range(start, start + size, FETCH_BYTES):
            wanted = min(FETCH_BYTES, start + size - at)
            parts.append(self.ask(Fetch(tensor, wanted, at, data), FetchReply).data)
            if len(parts[-1]) != wanted:
                raise DeviceError(f"{self.transport.url}: {len(parts[-1])} bytes of a tensor instead of {wanted}")
        return b"".join(parts)

    def ask(self, message: Message, reply: type[M]) -> M:
        """The reply to a request with nothing else in flight. Raises DeviceError when it is refused or stays away."""
        frame, what = Frame(message.ID, self._take_sequence(), pack(message)), type(message).__name__
        for attempt in range(ATTEMPTS):
            self.resent += attempt > 0
            self.transport.send_delimiter()
            self.transport.send(frame)
            deadline = time.monotonic() + ANSWER_TIMEOUT_S
            while (answer := self._receive(deadline)) is not None:
                if answer.sequence != frame.sequence:
                    continue
                if answer.type == reply.ID:
                    return _unpack(reply, answer, self.transport.url)
                if answer.type == ErrorReply.ID:
                    error = _unpack(ErrorReply, answer, self.transport.url)
                    raise DeviceError(f"{self.transport.url}: the device refused a {what}: {error.text}")
        raise DeviceError(f"{self.transport.url}: no answer to a {what} in {ATTEMPTS} attempts")

    def _request(self, index: int, data: bytes) -> _Request:
        return _Request(index, Frame(Infer.ID, self._take_sequence(), pack(Infer(data))), time.monotonic())

    def _take_sequence(self) -> int:
        sequence = self._next_sequence
        self._next_sequence = sequence % (SEQUENCES - 1) + 1  # 0 belongs to log lines
        return sequence

    def _answer(self, request: _Request, frame: Frame) -> Inference | None:
        """The result in a reply to `request`, or None if the request has to be answered again."""
        if frame.type == ErrorReply.ID:
            error = _unpack(ErrorReply, frame, self.transport.url)
            if error.code == ErrorCode.FRAME_TOO_LONG:
                self._resend(request)  # two frames that lost the zero between them
                return None
            raise DeviceError(f"{self.transport.url}: the device refused input {request.index}: {error.text}")
        if frame.type != InferReply.ID:
            return None
        reply = _unpack(InferReply, frame, self.transport.url)
        return Inference(request.index, reply.output, reply.ticks)

    def _resend(self, request: _Request) -> None:
        if request.attempts == ATTEMPTS:
            raise DeviceError(
                f"{self.transport.url}: input {request.index} was sent {ATTEMPTS} times without an answer; "
                "the device stopped or the line is bad"
            )
        request.attempts += 1
        request.sent_at = time.monotonic()
        self.resent += 1
        self.transport.send_delimiter()
        self.transport.send(request.frame)

    def _receive(self, deadline: float) -> Frame | None:
        """The next frame that is not a log line, or None at the deadline."""
        while (left := deadline - time.monotonic()) > 0:
            frame = self.transport.receive(left)
            if frame is None:
                return None
            if frame.type != LogLine.ID:
                return frame
            self.logs.append(_unpack(LogLine, frame, self.transport.url).text)
        return None


def _read_hello(frame: Frame, url: str) -> HelloReply:
    version = frame.payload[0] if frame.payload else 0
    if version != PROTOCOL_VERSION:
        raise DeviceError(
            f"{url}: the firmware speaks protocol {version}, this tool {PROTOCOL_VERSION}; flash it again"
        )
    return _unpack(HelloReply, frame, url)


def _unpack(message: type[M], frame: Frame, url: str) -> M:
    try:
        return unpack(message, frame.payload)
    except ProtocolError as error:
        raise DeviceError(f"{url}: a frame with a good CRC and a bad layout ({error}); other firmware?") from error
