"""One device as the host sees it: inferences streamed through it, and looks into one of them.

Requests are kept in flight up to what the device says it can hold, so the line is busy while the model runs. A request
whose answer is missing is sent again under the same number: at once when a later one was answered before it, else after
a time that follows the device's own pace. The device repeats an answer that it kept instead of computing it twice.
Results come back exactly once each, in order. What ends a stream but not a run is a LineLost; `reconnect` goes on.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinyproof.framing import NUMBERS_IN_SIGHT, Frame, wire_bytes_limit
from tinyproof.host.exchange import IN_VAIN, DeviceError, DeviceReset, DeviceSilent, Exchange
from tinyproof.host.pace import Pace, Patience
from tinyproof.host.transport import Transport
from tinyproof.protocol import ErrorReply, Fetch, FetchReply, HelloReply, Infer, InferReply, Trace, TraceReply

__all__ = ["Device", "DeviceError", "DeviceReset", "DeviceSilent", "Inference", "Patience", "count", "mean_count"]

WINDOW_LIMIT = NUMBERS_IN_SIGHT // 2
FETCH_BYTES = 4096  # of a tensor in one reply: under half a second at 115,200 baud


@dataclass(frozen=True)
class Inference:
    """What came back for one input."""

    index: int
    output: bytes
    ticks: int


def count(ticks: float, hello: HelloReply) -> int:
    """Ticks of the device's clock in the unit of its counter."""
    return round(ticks * hello.counter_numerator / hello.counter_denominator)


def mean_count(inferences: Sequence[Inference], hello: HelloReply) -> int | None:
    """What one inference took on average, in the unit of the device's counter; None without inferences."""
    if not inferences:
        return None
    return count(sum(inference.ticks for inference in inferences) / len(inferences), hello)


@dataclass
class _Request:
    index: int
    frame: Frame
    sent_at: float = 0.0
    attempts: int = 0


class Device:
    """A device on an open line. What goes over it, `exchange` has counted."""

    def __init__(self, transport: Transport, patience: Patience | None = None) -> None:
        self.exchange = Exchange(transport, patience)
        self._pace = Pace(self.exchange.patience)
        # By sequence number, the one sent longest ago first.
        self._in_flight: OrderedDict[int, _Request] = OrderedDict()

    def hello(self, timeout_s: float | None = None) -> HelloReply:
        """Begin a new session, and learn who it is (Exchange.hello)."""
        return self.exchange.hello(timeout_s)

    def reconnect(self, before: HelloReply, timeout_s: float = 30.0) -> HelloReply:
        """After a LineLost: find it again (Exchange.reconnect)."""
        return self.exchange.reconnect(before, timeout_s)

    def speed_up(self, hello: HelloReply, baud: int) -> None:
        """Have its line work at `baud` or the fastest speed below it that works (Exchange.speed_up)."""
        self.exchange.speed_up(hello, baud)

    def infer(self, inputs: Iterable[bytes], hello: HelloReply) -> Iterator[Inference]:
        """Run every input through the device; yields one Inference each, in order. Takes an input when there is room.

        Raises LineLost when the port goes away, its DeviceReset when the device forgot the session, its DeviceSilent
        when the device stops answering; DeviceError when it refuses.
        """
        window = _window(hello)
        self._in_flight.clear()
        results: dict[int, Inference] = {}
        source = enumerate(inputs)
        next_result = 0
        self._pace.wait_begins()
        while True:
            while len(self._in_flight) + len(results) < window and (self.exchange.numbers_left or not self._in_flight):
                if (following := next(source, None)) is None:
                    break
                self._send(_Request(following[0], self.exchange.numbered(Infer(following[1]))))
            if not self._in_flight:
                return
            if (inference := self._next_answer(hello)) is not None:
                results[inference.index] = inference
            while next_result in results:
                yield results.pop(next_result)
                next_result += 1
                self._pace.wait_begins()

    def trace(self, data: bytes) -> TraceReply:
        """Run one input and learn the size, CRC-32 and ticks of every tensor that the engine computes on the way.

        Raises DeviceError when the device cannot, LineLost when it does not answer.
        """
        return self.exchange.ask(Trace(data), TraceReply)

    def fetch(self, tensor: int, start: int, size: int, data: bytes) -> bytes:
        """Bytes `start` to `start + size` of tensor number `tensor` of a trace, when the input is `data`.

        Raises DeviceError when the tensor has no such bytes, LineLost when the device does not answer.
        """
        parts = []
        for at in range(start, start + size, FETCH_BYTES):
            wanted = min(FETCH_BYTES, start + size - at)
            parts.append(self.exchange.ask(Fetch(tensor, wanted, at, data), FetchReply).data)
            if len(parts[-1]) != wanted:
                raise DeviceError(
                    f"{self.exchange.transport.url}: {len(parts[-1])} bytes of a tensor instead of {wanted}"
                )
        return b"".join(parts)

    def _next_answer(self, hello: HelloReply) -> Inference | None:
        """Wait for a frame, and see to what it tells; None where it is no result, or none came."""
        oldest = next(iter(self._in_flight.values()))
        frame = self.exchange.receive(self._pace.deadline(oldest.sent_at))
        if frame is None:
            self._ask_again(oldest)
        elif frame.type == HelloReply.ID:
            self._check_session(self.exchange.read(HelloReply, frame), hello)
        elif (request := self._in_flight.get(frame.sequence)) is not None:
            if frame.type == ErrorReply.ID:
                text = self.exchange.read(ErrorReply, frame).text
                raise DeviceError(f"{self.exchange.transport.url}: the device refused input {request.index}: {text}")
            if frame.type == InferReply.ID:
                reply = self.exchange.read(InferReply, frame)
                self._settle(request)
                return Inference(request.index, reply.output, reply.ticks)
        return None

    def _settle(self, answered: _Request) -> None:
        """Take an answered request out of flight. The device answers in order: what was sent before it is lost."""
        self._pace.answered(answered.sent_at, repeated=answered.attempts > 1)
        overtaken = []
        if answered.attempts == 1:
            for request in self._in_flight.values():
                if request is answered:
                    break
                overtaken.append(request)
        del self._in_flight[answered.frame.sequence]
        for request in overtaken:
            self._send(request)

    def _ask_again(self, oldest: _Request) -> None:
        """After too long a wait: the request, and whether the device is still in this session."""
        if self._pace.silent():
            raise self.exchange.silent()
        self._pace.overdue += 1
        if self._pace.overdue == IN_VAIN:
            self.exchange.slow_down()
        self.exchange.send_hello(self._pace.overdue)
        self._send(oldest)

    def _send(self, request: _Request) -> None:
        """Send a request for the first time, or again."""
        if request.attempts == self.exchange.patience.attempts:
            raise DeviceSilent(
                f"{self.exchange.transport.url}: input {request.index} was sent {request.attempts} times without an "
                "answer; "
                "the line is bad"
            )
        if request.attempts > 0:
            self.exchange.resent += 1
            self.exchange.transport.send_delimiters()
        request.attempts += 1
        self._in_flight[request.frame.sequence] = request
        self._in_flight.move_to_end(request.frame.sequence)
        self.exchange.transport.send(request.frame)
        request.sent_at = time.monotonic()

    def _check_session(self, reply: HelloReply, hello: HelloReply) -> None:
        """Raise DeviceReset when a hello that came in the middle tells of one."""
        if reply.session not in (0, self.exchange.transport.session.number) or not reply.session_is_new:
            return
        # A device whose power was gone counts its starts anew; numbers out of its sight would not pass there any more.
        forgot = reply.session == self.exchange.transport.session.number and self.exchange.began_long_ago
        if reply.boot_count != hello.boot_count or forgot:
            raise DeviceReset(f"{self.exchange.transport.url}: the device was reset")
        self.exchange.send_hello()  # it may have forgotten the session; if so, that begins it again


def _window(hello: HelloReply) -> int:
    """Requests in flight: at most what the device can repeat, and one beyond what fits its buffer while it is busy."""
    frame_bytes = wire_bytes_limit(hello.input_bytes)
    return max(1, min(hello.reply_slots, 1 + hello.receive_buffer_bytes // frame_bytes, WINDOW_LIMIT))
