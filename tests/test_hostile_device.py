"""What the host does with a device that means it no good: bounded time, bounded memory, one line at the end."""

from __future__ import annotations

import contextlib
import os
import pty
import threading
import time
import tty

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.framing import Decoder, Frame, Session, encode
from tinyproof.host.device import Device, DeviceError, DeviceSilent, Patience
from tinyproof.host.exchange import LOG_LINES_KEPT
from tinyproof.host.transport import FRAMES_WAITING, LineLost, Transport
from tinyproof.payload import pack, unpack
from tinyproof.protocol import Hello, HelloReply, Infer, InferReply, LogLine, TensorSpec

QUICK = Patience(hello_interval_s=0.05, answer_s=0.1, shortest_answer_s=0.05, silence_s=0.5)
TENSOR = TensorSpec((1, 4), 1.0, 0)


def hello_reply(session, **changes):
    fields = {
        **dict(protocol_version=2, session=session, session_is_new=1, boot_count=1, model_sha256=bytes(32)),
        **dict(segments_sha256=bytes(32), board="host", engine="compiled", fault="", counter_unit="nanoseconds"),
        **dict(counter_numerator=1, counter_denominator=1, clock_hz=0, receive_buffer_bytes=4096, baud=0),
        **dict(reply_slots=16, arena_bytes=0, stack_bytes=0, stack_used_bytes=0, self_test_vectors=0),
        **dict(self_test_failures=0, inputs=(TENSOR,), outputs=(TENSOR,)),
    }
    return HelloReply(**{**fields, **changes})


class Hostile:
    """A device on a pseudo-terminal: `answer(frame, session)` gives the bytes for a request, `babble` comes anyway."""

    def __init__(self, answer=lambda frame, session: b"", babble=b""):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.port = os.ttyname(self.slave)
        self.answer, self.babble = answer, babble
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        decoder = Decoder()
        pending = b""
        while not self.ending.is_set():
            with contextlib.suppress(BlockingIOError):
                for frame in decoder.push(os.read(self.master, 65536)):
                    if frame.type == Hello.ID:
                        decoder.session = Session(unpack(Hello, frame.payload).session)
                    pending += self.answer(frame, decoder.session.number)
            pending = pending or self.babble
            try:
                pending = pending[os.write(self.master, pending) :] if pending else b""
            except BlockingIOError:
                time.sleep(0.001)
            if not pending:
                time.sleep(0.001)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.ending.set()
        self.thread.join()
        os.close(self.slave)
        os.close(self.master)


def polite(frame, session):
    """A device that says hello and computes the sum of its input."""
    if frame.type == Hello.ID:
        return encode(Frame(HelloReply.ID, 0, pack(hello_reply(session))))
    return encode(Frame(InferReply.ID, frame.sequence, pack(InferReply(1, frame.payload[:4]))), session)


ENDLESS = {
    "garbage": b"\x55\xaa" * 4000,
    "zeros": bytes(8000),
    "frames of no session": encode(Frame(0x99, 0, b"x" * 50)) * 50,
    "log lines": encode(Frame(LogLine.ID, 0, pack(LogLine("again and again")))) * 100,
    "hellos": encode(Frame(HelloReply.ID, 0, pack(hello_reply(1)))) * 10,
    "one frame": b"\xff" + b"x" * 5000,
}


def bounded(transport):
    decoder = transport._decoder
    return len(decoder._pending) <= decoder.limit and transport._frames.qsize() <= FRAMES_WAITING


@pytest.mark.parametrize("babble", ENDLESS.values(), ids=ENDLESS)
def test_a_device_that_never_stops_and_never_answers_is_given_up_in_time(babble):
    with Hostile(babble=babble) as hostile, Transport(hostile.port) as transport:
        device = Device(transport, QUICK)
        with pytest.raises(DeviceError, match=r"none of them an answer"):
            device.hello(0.5)
        assert bounded(transport) and len(device.exchange.logs) <= LOG_LINES_KEPT


BOOT = b"\r\n\x00\xf8\x1fets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13\r\nTemperature: 21.5 C\r\n"
ECHO = "what was sent comes back, as where the wires TX and RX are joined"


@pytest.mark.parametrize(
    "answer, babble, said",
    [
        (lambda frame, session: encode(frame, session), b"", ECHO),
        (lambda *_: b"", BOOT, "a text, 'ets Jul 29 2019 12:21:46', by another program"),
        (lambda frame, session: b"\r\nERROR\r\n", b"", "a text, 'ERROR', by another program"),
    ],
)
def test_another_program_on_the_port_is_named_by_what_it_says(answer, babble, said):
    with Hostile(answer, babble) as hostile, Transport(hostile.port) as transport:
        device = Device(transport, QUICK)
        with pytest.raises(DeviceError, match=f"none of them an answer: {said}; .*`make flash`"):
            device.hello(1)


@pytest.mark.parametrize("babble", [ENDLESS["log lines"], ENDLESS["zeros"], ENDLESS["frames of no session"]])
def test_a_device_that_talks_all_the_time_and_answers_is_heard(babble):
    with Hostile(polite, babble) as hostile, Transport(hostile.port) as transport:
        device = Device(transport, QUICK)
        inputs = [bytes([index] * 4) for index in range(20)]
        assert [one.output for one in device.infer(inputs, device.hello(5))] == inputs
        assert bounded(transport)


@pytest.mark.parametrize("babble", ENDLESS.values(), ids=ENDLESS)
def test_a_device_that_falls_into_babbling_is_a_lost_line(babble):
    def answer(frame, session):
        if frame.type == Hello.ID:
            return polite(frame, session)
        hostile.babble = babble
        return b""

    with Hostile(answer) as hostile, Transport(hostile.port) as transport:
        device = Device(transport, QUICK)
        with pytest.raises(LineLost):
            list(device.infer([bytes(4)], device.hello(5)))
        assert bounded(transport)


@pytest.mark.parametrize(
    "changes",
    [
        {"reply_slots": 255, "receive_buffer_bytes": 0xFFFFFFFF},
        {"reply_slots": 0, "receive_buffer_bytes": 0},
        {"inputs": (), "outputs": ()},
        {"inputs": tuple([TensorSpec((65535,) * 6, float("nan"), -1)] * 4)},
    ],
    ids=["huge window", "no window", "no tensors", "huge tensors"],
)
def test_absurd_limits_in_a_hello_are_kept_within_the_hosts_own(changes):
    asked = []

    def answer(frame, session):
        if frame.type == Hello.ID:
            return encode(Frame(HelloReply.ID, 0, pack(hello_reply(session, **changes))))
        asked.append(frame.sequence)
        return b""

    with Hostile(answer) as hostile, Transport(hostile.port) as transport:
        device = Device(transport, QUICK)
        with pytest.raises(DeviceSilent):
            list(device.infer([bytes(4)] * 1000, device.hello(5)))
        assert 1 <= len(set(asked)) <= 64


@pytest.mark.parametrize(
    "payload",
    [b"", b"\2", b"\2" + bytes(500), bytes([2]) + b"\xff" * 300, pack(hello_reply(1)) + b"?"],
    ids=["empty", "version alone", "zeros", "ones", "too long"],
)
def test_a_hello_with_a_wrong_layout_is_one_line(payload):
    def answer(frame, session):
        return encode(Frame(HelloReply.ID, 0, payload))

    with Hostile(answer) as hostile, Transport(hostile.port) as transport, pytest.raises(DeviceError) as refusal:
        Device(transport, QUICK).hello(5)
    assert "\n" not in refusal.value.message and hostile.port in refusal.value.message


def test_a_device_that_never_reads_is_a_lost_line(monkeypatch):
    monkeypatch.setattr("tinyproof.host.transport.WRITE_TIMEOUT_S", 0.3)
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        with Transport(os.ttyname(slave)) as transport, pytest.raises(LineLost, match="took no bytes"):
            for _ in range(1000):
                transport.send(Frame(Infer.ID, 1, bytes(1000)))
    finally:
        os.close(master)
        os.close(slave)


@settings(max_examples=25, deadline=None)
@given(
    replies=st.lists(
        st.tuples(st.integers(0, 255), st.integers(0, 300), st.binary(max_size=40), st.booleans()), max_size=6
    )
)
def test_whatever_answers_come_the_stream_ends_with_an_error_or_with_answers_to_its_own_questions(replies):
    def answer(frame, session):
        if frame.type == Hello.ID:
            return polite(frame, session)
        nonsense = b"".join(
            encode(Frame(type_, number, payload), session if known else session ^ 1)
            for type_, number, payload, known in replies
            if (type_, number) != (InferReply.ID, frame.sequence)
        )
        return nonsense + polite(frame, session)

    patience = Patience(hello_interval_s=0.02, answer_s=0.05, shortest_answer_s=0.02, silence_s=0.1)
    with Hostile(answer) as hostile, Transport(hostile.port) as transport:
        device = Device(transport, patience)
        try:
            outputs = [one.output for one in device.infer([b"abcd", b"efgh"], device.hello(5))]
        except (DeviceError, LineLost):
            return
        assert len(outputs) == 2
