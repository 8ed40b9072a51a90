"""One device as the host sees it: who it is, and inferences streamed through it.

Requests are kept in flight up to what the device says it can hold, so the line is busy while the model runs. A request
whose answer is missing is sent again under the same number: at once when a later one was answered before it, else after
a time that follows the device's own pace. The device repeats an answer that it kept instead of computing it twice.
Results come back exactly once each, in order. What ends a stream but not a run is a LineLost; `reconnect` goes on.
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from host.console import UserError
from host.framing import NUMBERS_IN_SIGHT, SEQUENCES, Frame, wire_bytes_limit
from host.protocol import (
    PROTOCOL_VERSION,
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

SESSIONS = 0xFFFFFF00  # above, the keys of a session would run into 0
WINDOW_LIMIT = NUMBERS_IN_SIGHT // 2
LOG_LINES_KEPT = 1000
GRACE_S = 1.0  # how long frames that already came are looked at after a deadline
FETCH_BYTES = 4096  # of a tensor in one reply: under half a second at 115,200 baud


@dataclass(frozen=True)
class Patience:
    """How long the host waits, in seconds, and how often it asks."""

    hello_interval_s: float = 0.25
    answer_s: float = 5.0  # before a request is sent again, at first; then a multiple of what answers took
    shortest_answer_s: float = 0.1
    silence_s: float = 25.0  # without any answer, before the device counts as lost
    attempts: int = 100  # of one request, while others are answered


class DeviceError(UserError):
    """The device cannot go on, or is not what was asked for."""


class DeviceReset(LineLost):
    """The device was reset and knows nothing of what was asked of it."""


class DeviceSilent(LineLost):
    """The port is there, and no answer comes."""


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
    """A device on an open line. `logs` collects the first lines it wrote; the counters tell how the line did."""

    def __init__(self, transport: Transport, patience: Patience | None = None) -> None:
        self.transport = transport
        self.patience = patience or Patience()
        self.logs: list[str] = []
        self.resent = 0  # requests sent more than once
        self.reconnections = 0
        self._next_sequence = 1
        self._pace = _Pace(self.patience)

    def hello(self, timeout_s: float = 10.0) -> HelloReply:
        """Begin a new session: ask until the device answers. Raises DeviceError when nothing sensible comes in time."""
        try:
            reply = self._begin_session(timeout_s)
        except LineLost as error:
            raise DeviceError(f"{error} before it said hello") from error
        if reply is not None:
            return reply
        if self.transport.bytes_received:
            raise DeviceError(
                f"{self.transport.url}: {self.transport.bytes_received} bytes came, none of them an answer; "
                "is this firmware on it, and the right port?"
            )
        raise DeviceError(
            f"{self.transport.url}: no answer in {timeout_s:g} s; is the board on, flashed, and on this port?"
        )

    def reconnect(self, before: HelloReply, timeout_s: float = 30.0) -> HelloReply:
        """After a LineLost: find the port again if it went away, and begin a new session with the device behind it.

        Raises LineLost when it is not back in time, DeviceError when what is back is not the device of `before`.
        """
        self.reconnections += 1
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                if self.transport.lost:
                    self.transport.reopen(left)
                reply = self._begin_session(deadline - time.monotonic())
            except LineLost as error:
                if time.monotonic() >= deadline:
                    raise LineLost(error.message) from error
                continue
            if reply is None:
                break
            check_same_device(before, reply, self.transport.url)
            return reply
        raise DeviceSilent(f"{self.transport.url}: the device did not answer again in {timeout_s:g} s")

    def infer(self, inputs: Iterable[bytes], hello: HelloReply) -> Iterator[Inference]:
        """Run every input through the device; yields one Inference each, in order. Takes an input when there is room.

        Raises LineLost when the port goes away, its DeviceReset when the device forgot the session, its DeviceSilent
        when the device stops answering; DeviceError when it refuses.
        """
        window = _window(hello)
        in_flight: OrderedDict[int, _Request] = OrderedDict()  # by sequence number, the one sent longest ago first
        results: dict[int, Inference] = {}
        source = enumerate(inputs)
        next_result = 0
        self._pace.wait_begins()
        while True:
            if not in_flight:
                self._renew_session()
            while len(in_flight) + len(results) < window and self._next_sequence < SEQUENCES:
                if (following := next(source, None)) is None:
                    break
                request = self._request(*following)
                in_flight[request.frame.sequence] = request
                self._send(request)
            if not in_flight:
                return
            oldest = next(iter(in_flight.values()))
            frame = self._receive(self._pace.deadline(oldest.sent_at))
            if frame is None:
                self._ask_again(oldest, in_flight)
            elif frame.type == HelloReply.ID:
                self._check_session(_unpack(HelloReply, frame, self.transport.url), hello)
            elif answered := in_flight.get(frame.sequence):
                inference = self._answer(answered, frame)
                if inference is not None:
                    self._settle(answered, in_flight)
                    results[inference.index] = inference
            while next_result in results:
                yield results.pop(next_result)
                next_result += 1
                self._pace.wait_begins()

    def _begin_session(self, timeout_s: float) -> HelloReply | None:
        """The answer to a hello with a new session number, or None when none came in time."""
        deadline = time.monotonic() + timeout_s
        number = random.SystemRandom().randrange(1, SESSIONS)
        self.transport.begin_session(number)
        self._next_sequence = 1
        while (now := time.monotonic()) < deadline:
            self._send_hello()
            while (frame := self._receive(min(now + self.patience.hello_interval_s, deadline))) is not None:
                if frame.type == HelloReply.ID:
                    reply = _read_hello(frame, self.transport.url)
                    if reply.session == number:
                        return reply
        return None

    def _renew_session(self) -> None:
        """Begin another session where this one has used its numbers up; with nothing in flight."""
        if self._next_sequence == SEQUENCES and self._begin_session(self.patience.silence_s) is None:
            raise self._silent()

    def _send_hello(self) -> None:
        self.transport.send_delimiter()
        self.transport.send(Frame(Hello.ID, 0, pack(Hello(self.transport.session.number))))

    def _check_session(self, reply: HelloReply, hello: HelloReply) -> None:
        """Raise DeviceReset when a hello that came in the middle tells of one."""
        if reply.session not in (0, self.transport.session.number) or not reply.session_is_new:
            return
        if reply.boot_count != hello.boot_count:
            raise DeviceReset(f"{self.transport.url}: the device was reset")
        self._send_hello()  # it may have forgotten the session; if so, that begins it again

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
        """The reply to a request with nothing else in flight. Raises as `infer` does."""
        self._renew_session()
        frame, what = Frame(message.ID, self._take_sequence(), pack(message)), type(message).__name__
        for attempt in range(max(1, round(self.patience.silence_s / self.patience.answer_s))):
            self.resent += attempt > 0
            self.transport.send_delimiter()
            self.transport.send(frame)
            deadline = time.monotonic() + self.patience.answer_s
            while (answer := self._receive(deadline)) is not None:
                if answer.sequence != frame.sequence:
                    continue
                if answer.type == reply.ID:
                    return _unpack(reply, answer, self.transport.url)
                if answer.type == ErrorReply.ID:
                    error = _unpack(ErrorReply, answer, self.transport.url)
                    raise DeviceError(f"{self.transport.url}: the device refused a {what}: {error.text}")
            self._send_hello()  # a device that was reset meanwhile learns the session's number
        raise self._silent()

    def _request(self, index: int, data: bytes) -> _Request:
        return _Request(index, Frame(Infer.ID, self._take_sequence(), pack(Infer(data))), 0)

    def _take_sequence(self) -> int:
        sequence = self._next_sequence
        self._next_sequence += 1
        return sequence

    def _answer(self, request: _Request, frame: Frame) -> Inference | None:
        """The result in a reply to `request`, or None where it is none."""
        if frame.type == ErrorReply.ID:
            error = _unpack(ErrorReply, frame, self.transport.url)
            raise DeviceError(f"{self.transport.url}: the device refused input {request.index}: {error.text}")
        if frame.type != InferReply.ID:
            return None
        reply = _unpack(InferReply, frame, self.transport.url)
        return Inference(request.index, reply.output, reply.ticks)

    def _settle(self, answered: _Request, in_flight: OrderedDict[int, _Request]) -> None:
        """Take an answered request out of flight. The device answers in order: what was sent before it is lost."""
        self._pace.answered(answered.sent_at, repeated=answered.attempts > 1)
        overtaken = []
        if answered.attempts == 1:
            for request in in_flight.values():
                if request is answered:
                    break
                overtaken.append(request)
        del in_flight[answered.frame.sequence]
        for request in overtaken:
            self._resend(request, in_flight)

    def _ask_again(self, oldest: _Request, in_flight: OrderedDict[int, _Request]) -> None:
        """After too long a wait: the request, and whether the device is still in this session."""
        if self._pace.silent():
            raise self._silent()
        self._pace.back_off()
        self._send_hello()
        self._resend(oldest, in_flight)

    def _silent(self) -> DeviceSilent:
        return DeviceSilent(
            f"{self.transport.url}: {self.patience.silence_s:g} s without an answer; "
            "the device stopped or the line is bad"
        )

    def _resend(self, request: _Request, in_flight: OrderedDict[int, _Request]) -> None:
        if request.attempts == self.patience.attempts:
            raise DeviceSilent(
                f"{self.transport.url}: input {request.index} was sent {request.attempts} times without an answer; "
                "the line is bad"
            )
        request.attempts += 1
        self.resent += 1
        in_flight.move_to_end(request.frame.sequence)
        self.transport.send_delimiter()
        self._send(request)

    def _send(self, request: _Request) -> None:
        self.transport.send(request.frame)
        request.sent_at = time.monotonic()

    def _receive(self, deadline: float) -> Frame | None:
        """The next frame that is not a log line, or None at the deadline."""
        while (left := deadline - time.monotonic()) > -GRACE_S:
            frame = self.transport.receive(left)
            if frame is None or frame.type != LogLine.ID:
                return frame
            if len(self.logs) < LOG_LINES_KEPT:
                self.logs.append(_unpack(LogLine, frame, self.transport.url).text)
        return None


class _Pace:
    """How long answers take, and so how long to wait for one (RFC 6298: mean plus four times the mean deviation)."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._mean_s: float | None = None
        self._deviation_s = 0.0
        self._backoff = 1
        self._waiting_since = 0.0
        self._heard_at = 0.0

    def wait_begins(self) -> None:
        """Whoever takes the results may have been away meanwhile."""
        self._waiting_since = self._heard_at = time.monotonic()

    def answered(self, sent_at: float, repeated: bool) -> None:
        """A request sent at `sent_at` was answered just now."""
        now = time.monotonic()
        took = now - max(sent_at, self._waiting_since)
        self._waiting_since = self._heard_at = now
        self._backoff = 1
        if repeated:  # which of its copies was answered is not known
            return
        if self._mean_s is None:
            self._mean_s, self._deviation_s = took, took / 2
        else:
            self._deviation_s += (abs(took - self._mean_s) - self._deviation_s) / 4
            self._mean_s += (took - self._mean_s) / 8

    def deadline(self, sent_at: float) -> float:
        """When the answer to a request sent at `sent_at` is overdue."""
        usual = self._patience.answer_s if self._mean_s is None else self._mean_s + 4 * self._deviation_s
        wait = max(usual, self._patience.shortest_answer_s) * self._backoff
        return max(sent_at, self._waiting_since) + min(wait, self._patience.answer_s)

    def back_off(self) -> None:
        """An answer was overdue: wait longer for the next."""
        self._backoff = min(self._backoff * 2, 64)

    def silent(self) -> bool:
        """Whether the device has not answered for too long."""
        return time.monotonic() - self._heard_at > self._patience.silence_s


def _window(hello: HelloReply) -> int:
    """Requests in flight: at most what the device can repeat, and one beyond what fits its buffer while it is busy."""
    frame_bytes = wire_bytes_limit(sum(prod(tensor.shape) for tensor in hello.inputs))
    return max(1, min(hello.reply_slots, 1 + hello.receive_buffer_bytes // frame_bytes, WINDOW_LIMIT))


def check_same_device(before: HelloReply, after: HelloReply, url: str) -> None:
    """Raise DeviceError unless the device that is back is the one that went away: board, engine, model, constants."""
    for what in ("board", "engine", "model_sha256", "segments_sha256", "inputs", "outputs"):
        if getattr(before, what) != getattr(after, what):
            raise DeviceError(f"{url}: another device came back: its {what} is not the one from before")


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
