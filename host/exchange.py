"""Questions and answers over a line, one at a time: who is there, at which speed, and anything else with a reply.

A hello begins a session, whose number is drawn at random: what belongs to another session never passes for an answer in
this one. A question whose answer stays away is asked again under the same sequence number.
"""

from __future__ import annotations

import random
import re
import time

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.framing import NUMBERS_IN_SIGHT, SEQUENCES, Decoder, Frame
from tinyproof.host.pace import Patience
from tinyproof.host.transport import LineLost, NotBack, Transport
from tinyproof.line import BAUD, SLOWER_BAUDS
from tinyproof.payload import M, ProtocolError, pack, unpack
from tinyproof.protocol import (
    PROTOCOL_VERSION,
    ErrorReply,
    Hello,
    HelloReply,
    LogLine,
    Message,
    SetBaud,
    SetBaudReply,
)

SESSIONS = 0xFFFFFF00  # above, the keys of a session would run into 0
LOG_LINES_KEPT = 1000
HELLO_S = 10.0  # for a first answer
GRACE_S = 1.0  # how long frames that already came are looked at after a deadline
EXCHANGES = 3  # that show that a speed works
IN_VAIN = 3  # questions, before the speed is taken for wrong
NOISE_BYTES = 1024  # to a device at another speed: a few times that makes it go back to the first
NOISY = 4  # hellos in a row with noise
TEXT_SHARE = 0.7  # of what came
SHORTEST_LINE, LONGEST_LINE = 4, 60  # letters of a text that is quoted


class DeviceError(UserError):
    """The device cannot go on, or is not what was asked for."""


class DeviceReset(LineLost):
    """The device was reset and knows nothing of what was asked of it."""


class DeviceSilent(LineLost):
    """The port is there, and no answer comes."""


class StillSilent(DeviceSilent):
    """Nor did one come within a time in which it was asked again."""

    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(f"{url}: the device did not answer again in {timeout_s:g} s")
        self.url = url


class Exchange:
    """Asks the device on an open line. `logs` collects the first lines it wrote; the counters tell how the line did."""

    def __init__(self, transport: Transport, patience: Patience | None = None) -> None:
        self.transport = transport
        self.patience = patience or Patience()
        self.first_answer_s = HELLO_S
        self.logs: list[str] = []
        self.resent = 0  # requests sent more than once
        self.reconnections = 0
        self._next_sequence = 1
        self._wanted_baud = BAUD

    def hello(self, timeout_s: float | None = None) -> HelloReply:
        """Begin a new session: ask until the device answers. Raises DeviceError when nothing sensible comes in time."""
        timeout_s = timeout_s or self.first_answer_s
        try:
            reply = self._begin_session(timeout_s)
        except LineLost as error:
            raise DeviceError(f"{error} before it said hello") from error
        if reply is not None:
            return reply
        if self.transport.bytes_received:
            raise DeviceError(
                f"{self.transport.url}: {self.transport.bytes_received} bytes came, none of them an answer"
                f"{looks_like(self.transport.begun)}; is this firmware on it (`{advice.command('flash')}`), and the "
                "right port?"
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
                if reply is None:
                    break
                check_same_device(before, reply, self.transport.url)
                self.speed_up(reply, self._wanted_baud)
                return reply
            except NotBack as error:
                raise NotBack(error.url, timeout_s, error.reason) from error  # with the time that the caller gave
            except LineLost as error:
                if time.monotonic() >= deadline:
                    raise LineLost(error.message) from error
        raise StillSilent(self.transport.url, timeout_s)

    def speed_up(self, hello: HelloReply, baud: int) -> None:
        """Have the line work at `baud`, or at the fastest usual speed below it that exchanges show to work.

        Does nothing where the line has no speed. Raises LineLost when the device is not heard of any more.
        """
        self._wanted_baud = baud
        for faster in (baud, *(slower for slower in SLOWER_BAUDS if slower < baud)):
            if hello.baud == 0 or faster <= hello.baud or self._try_baud(faster, hello.baud):
                return

    def ask(self, message: Message, reply: type[M]) -> M:
        """The reply to a request with nothing else in flight.

        Raises LineLost when the port goes away or no answer comes, DeviceError when the device refuses.
        """
        frame = self.numbered(message)
        for attempt in range(max(1, round(self.patience.silence_s / self.patience.answer_s))):
            self.resent += attempt > 0
            answer = self._ask_once(frame, reply, self.patience.answer_s)
            if answer is not None:
                return answer
            self.send_hello()  # a device that was reset meanwhile learns the session's number
        raise self.silent()

    def _ask_once(self, frame: Frame, reply: type[M], timeout_s: float) -> M | None:
        self.transport.send_delimiters()
        self.transport.send(frame)
        deadline = time.monotonic() + timeout_s
        while (answer := self.receive(deadline)) is not None:
            if answer.sequence != frame.sequence:
                continue
            if answer.type == reply.ID:
                return self.read(reply, answer)
            if answer.type == ErrorReply.ID:
                raise DeviceError(
                    f"{self.transport.url}: the device refused a request (message 0x{frame.type:02X}): "
                    f"{self.read(ErrorReply, answer).text}"
                )
        return None

    def _try_baud(self, baud: int, first_baud: int) -> bool:
        """Whether the line works at `baud`; where it does not, it is back at `first_baud`."""
        self._ask_once(self.numbered(SetBaud(baud)), SetBaudReply, self.patience.answer_s)
        # Where the answer is what got lost, the device is at the new speed all the same.
        self.transport.set_baud(baud)
        if all(self._works(SetBaud(baud), IN_VAIN, 0) for _ in range(EXCHANGES)):
            return True
        self.slow_down()
        attempts = round(self.patience.silence_s / self.patience.hello_interval_s)
        if not self._works(SetBaud(first_baud), attempts, NOISE_BYTES):
            raise self.silent()
        return False

    def _works(self, message: SetBaud, attempts: int, noise_bytes: int) -> bool:
        """Whether an exchange succeeds at the speed that both sides are thought to have."""
        frame = self.numbered(message)
        for _ in range(attempts):
            self.transport.send_delimiters(noise_bytes)
            if self._ask_once(frame, SetBaudReply, self.patience.hello_interval_s) is not None:
                return True
        return False

    def slow_down(self) -> None:
        """Back to the speed that lines begin with; the device follows when it has heard enough that is no frame."""
        if self.transport.baud != BAUD:
            self.transport.set_baud(BAUD)

    def _begin_session(self, timeout_s: float) -> HelloReply | None:
        """The answer to a hello with a new session number, or None when none came in time."""
        deadline = time.monotonic() + timeout_s
        number = random.SystemRandom().randrange(1, SESSIONS)
        self.transport.begin_session(number)
        self._next_sequence = 1
        attempt = 0
        while (now := time.monotonic()) < deadline:
            if attempt == IN_VAIN:
                self.slow_down()
            self.send_hello(attempt)
            attempt += 1
            while (frame := self.receive(min(now + self.patience.hello_interval_s, deadline))) is not None:
                if frame.type == HelloReply.ID:
                    reply = self._read_hello(frame)
                    if reply.session == number:
                        return reply
        return None

    def send_hello(self, attempt: int = 0) -> None:
        """Ask who is there, without waiting.

        `attempt`: how many were in vain. The device may be at another speed then, and has to notice.
        """
        noisy = IN_VAIN <= attempt < IN_VAIN + NOISY  # not for ever: a line that nobody reads fills up
        self.transport.send_delimiters(NOISE_BYTES if noisy else 1)
        self.transport.send(Frame(Hello.ID, 0, pack(Hello(self.transport.session.number))))

    def numbered(self, message: Message) -> Frame:
        """A request under the next sequence number; nothing else is in flight where that needs a new session."""
        if self.numbers_left == 0 and self._begin_session(self.patience.silence_s) is None:
            raise self.silent()
        self._next_sequence += 1
        return Frame(message.ID, self._next_sequence - 1, pack(message))

    @property
    def began_long_ago(self) -> bool:
        """Whether the numbers in use are out of the sight of a device that forgot the session."""
        return self._next_sequence > NUMBERS_IN_SIGHT

    @property
    def numbers_left(self) -> int:
        """Each number is used once in a session, so that no answer is taken for one to an earlier question."""
        return SEQUENCES - self._next_sequence

    def receive(self, deadline: float) -> Frame | None:
        """The next frame that is not a log line, or None at the deadline."""
        while (left := deadline - time.monotonic()) > -GRACE_S:
            frame = self.transport.receive(left)
            if frame is None or frame.type != LogLine.ID:
                return frame
            if len(self.logs) < LOG_LINES_KEPT:
                self.logs.append(self.read(LogLine, frame).text)
        return None

    def silent(self) -> DeviceSilent:
        """The error when no answer came for too long."""
        return DeviceSilent(
            f"{self.transport.url}: {self.patience.silence_s:g} s without an answer; "
            "the device stopped or the line is bad"
        )

    def _read_hello(self, frame: Frame) -> HelloReply:
        version = frame.payload[0] if frame.payload else 0
        if version != PROTOCOL_VERSION:
            raise DeviceError(
                f"{self.transport.url}: the firmware speaks protocol {version}, this tool {PROTOCOL_VERSION}; "
                "flash it again"
            )
        return self.read(HelloReply, frame)

    def read(self, message: type[M], frame: Frame) -> M:
        """The message in a frame. Raises DeviceError where it is laid out otherwise."""
        try:
            return unpack(message, frame.payload)
        except ProtocolError as error:
            raise DeviceError(
                f"{self.transport.url}: a frame with a good check and a bad layout ({error}); other firmware?"
            ) from error


def looks_like(came: bytes) -> str:
    """What bytes that are no answer look like: our own question, or a text; nothing where they are neither."""
    if any(frame.type == Hello.ID for frame in Decoder().push(came)):
        return ": what was sent comes back, as where the wires TX and RX are joined"
    text = came.decode("ascii", "replace")
    lines = re.findall(f"[ -~]{{{SHORTEST_LINE},{LONGEST_LINE}}}", text)
    if not lines or sum(letter.isprintable() or letter.isspace() for letter in text) < TEXT_SHARE * len(text):
        return ""
    return f": a text, {lines[0]!r}, by another program"


def check_same_device(before: HelloReply, after: HelloReply, url: str) -> None:
    """Raise DeviceError unless the device that is back is the one that went away: board, engine, model, constants."""
    for what in ("board", "engine", "model_sha256", "segments_sha256", "inputs", "outputs"):
        if getattr(before, what) != getattr(after, what):
            raise DeviceError(f"{url}: another device came back: its {what} is not the one from before")
