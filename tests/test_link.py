"""A line that is slow or bad, between the host tool and the real firmware: what it does, and what comes through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from conftest import DEMO_MODEL
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyproof.boards import BOARDS
from tinyproof.console import UserError
from tinyproof.firmware.build import build
from tinyproof.host import exchange, fuzz
from tinyproof.host.connection import start
from tinyproof.host.device import Device, DeviceError, DeviceReset, Patience
from tinyproof.host.line.faults import FAULTS, Event, Faults, LineSettings, parse_faults
from tinyproof.host.line.proxy import BITS_PER_BYTE, Line
from tinyproof.host.transport import LineLost, Transport
from tinyproof.line import BAUD

INPUT = bytes(784)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The demo's model with its firmware for this computer."""
    copy = tmp_path_factory.mktemp("link") / "digits_small"
    shutil.copytree(DEMO_MODEL, copy, ignore=shutil.ignore_patterns(*BOARDS))
    build(copy, BOARDS["host"])
    return copy


@pytest.fixture
def line(folder):
    """(baud, faults) -> an open line to the firmware."""
    lines = []

    def open_(baud=None, faults=None):
        lines.append(Line(lambda: start(folder, BOARDS["host"]), LineSettings(baud, faults)))
        return lines[-1].__enter__()

    yield open_
    for opened in lines:
        opened.__exit__()


def clean(folder, inputs):
    return fuzz.clean_outputs(folder, "host", inputs)


# ---- the line as it should be


@pytest.mark.parametrize("size", [1, 500, 3000])
def test_bytes_arrive_at_the_speed_of_the_line_and_not_sooner(line, size):
    slow = line(BAUD)
    with Transport(slow.port) as transport:
        device = Device(transport)
        device.hello()
        started = time.monotonic()
        transport.send_delimiters(size)
        device.hello()
        took = time.monotonic() - started
    assert took >= size * BITS_PER_BYTE / BAUD


def test_a_stream_over_a_slow_line_gives_the_same_bytes_without_sending_twice(line, folder):
    inputs = [bytes([index]) * 784 for index in range(30)]
    with Transport(line(921_600).port) as transport:
        device = Device(transport)
        hello = device.hello()
        device.speed_up(hello, 921_600)
        before = transport.bytes_sent + transport.bytes_received
        outputs = [inference.output for inference in device.infer(inputs, hello)]
        line_bytes = transport.bytes_sent + transport.bytes_received - before
        assert transport.baud == 921_600
    assert outputs == clean(folder, inputs)
    if device.exchange.resent == 0:  # a machine that is busy elsewhere may have stopped this line for long
        assert line_bytes <= 1.03 * sum(map(len, inputs + outputs))


@pytest.mark.parametrize(
    "limit, wanted, reached", [(None, 921_600, 921_600), (460_800, 921_600, 460_800), (BAUD, 230_400, BAUD)]
)
def test_the_line_ends_at_the_fastest_speed_at_which_exchanges_work(line, limit, wanted, reached):
    with Transport(line(limit).port) as transport:
        device = Device(transport)
        hello = device.hello()
        device.speed_up(hello, wanted)
        assert transport.baud == reached
        assert len(list(device.infer([INPUT] * 3, hello))) == 3


def test_a_device_left_at_a_fast_speed_is_found_by_the_next_host(line):
    fast = line()
    with Transport(fast.port) as transport:
        device = Device(transport)
        device.speed_up(device.hello(), 921_600)
    with Transport(fast.port) as transport:
        assert transport.baud == BAUD
        assert Device(transport).hello().board == "host"


def test_a_line_without_a_speed_is_left_as_it_is(model):
    with start(model, BOARDS["interpreter"]) as process, Transport(process.port) as transport:
        device = Device(transport)
        device.speed_up(device.hello(), 921_600)
        assert transport.baud == BAUD


# ---- the line as it should not be


@pytest.mark.parametrize("kind", FAULTS)
@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=2000), cuts=st.lists(st.integers(1, 300), max_size=8), seed=st.integers(0, 99))
def test_the_same_seed_does_the_same_to_the_same_bytes_and_each_fault_what_its_name_says(kind, data, cuts, seed):
    def play(pieces):
        faults = Faults(seed, (kind,), 50).schedule("to device")
        happenings = [happening for piece in pieces for happening in faults.apply(piece)]
        return happenings + list(faults.flush()), faults.counts.get(kind, 0)

    happenings, count = play([data])
    assert play([data]) == (happenings, count)
    came = b"".join(happening for happening in happenings if isinstance(happening, bytes))
    if count == 0 or kind in ("delay", "split", "stall", "reset", "vanish"):
        assert came == data
    elif kind == "flip":
        assert len(came) == len(data)
    elif kind == "reorder":
        assert sorted(came) == sorted(data)
    elif kind == "drop":
        assert len(came) <= len(data)
    else:
        assert len(came) >= len(data)
    assert (Event.RESET in happenings) <= (kind in ("reset", "vanish"))
    assert (Event.VANISH in happenings) == (kind == "vanish" and count > 0)


@pytest.mark.parametrize("text", ["", "x", "7:melt", "7:drop:0", "7:drop:x", "7:drop:5:5", "7:drop,"])
def test_faults_that_nobody_knows_are_refused_in_one_line(text):
    with pytest.raises(UserError) as refusal:
        parse_faults(text)
    assert "\n" not in refusal.value.message and repr(text) in refusal.value.message


def test_a_seed_alone_chooses_faults_and_says_the_same_every_time():
    assert parse_faults("12") == parse_faults("12") != parse_faults("13")
    assert parse_faults("12:drop,flip:900") == Faults(12, ("drop", "flip"), 900)


@pytest.mark.parametrize("kind", FAULTS)
def test_every_sample_comes_once_and_with_its_bytes_whatever_the_line_does(kind, folder):
    inputs = tuple(bytes([index]) * 784 for index in range(25))
    expected = tuple(clean(folder, inputs))

    def parse(text):
        return Faults(int(text), (kind,), 4000, pause_s=0.3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuzz, "parse_faults", parse)
        outcomes = [fuzz.run_schedule(seed, folder, "host", inputs, expected) for seed in (1, 2)]
    assert [outcome.finding for outcome in outcomes] == ["", ""]
    assert sum(outcome.faults.get(kind, 0) for outcome in outcomes) > 0
    assert [outcome.answered for outcome in outcomes if not outcome.error] == [25] * sum(not o.error for o in outcomes)


def test_schedules_of_all_faults_together_end_with_the_same_bytes_or_an_error(folder):
    outcomes = list(fuzz.fuzz(folder, "host", range(30), jobs=4))
    assert [(outcome.seed, outcome.finding) for outcome in outcomes] == [(seed, "") for seed in range(30)]
    assert sum(not outcome.error for outcome in outcomes) > 20


def test_the_harness_itself_notices_wrong_bytes_and_samples_that_come_twice(folder, monkeypatch):
    inputs = tuple(bytes([index]) * 784 for index in range(10))
    expected = tuple(clean(folder, inputs))
    real = Device.infer

    def outcome(infer):
        monkeypatch.setattr(Device, "infer", infer)
        return fuzz.run_schedule(0, folder, "host", inputs, expected)

    def wrong(device, asked, hello):
        for inference in real(device, asked, hello):
            yield replace(inference, output=bytes(10))

    def twice(device, asked, hello):
        for inference in real(device, asked, hello):
            yield inference
            yield inference

    assert "other bytes" in outcome(wrong).finding
    assert "came twice" in outcome(twice).finding


# ---- losing the device and finding it again

QUICK = Patience(hello_interval_s=0.05, answer_s=0.3, silence_s=2)


def test_a_reset_in_the_middle_is_seen_and_reconnect_goes_on(line):
    bad = line(None, Faults(1, ("reset",), 30_000))
    done = 0
    with Transport(bad.port, find=bad.find) as transport:
        device = Device(transport, QUICK)
        hello = device.hello()
        while done < 150:
            try:
                for _ in device.infer([INPUT] * (150 - done), hello):
                    done += 1
            except LineLost:
                hello = device.reconnect(hello, 5)
    assert bad.resets > 0


def test_a_port_that_comes_back_under_another_name_is_found(line):
    bad = line(None, Faults(3, ("vanish",), 20_000, pause_s=0.3))
    done, names = 0, set()
    with Transport(bad.port, find=bad.find) as transport:
        device = Device(transport, QUICK)
        hello = device.hello()
        while done < 150:
            names.add(transport.url)
            try:
                for _ in device.infer([INPUT] * (150 - done), hello):
                    done += 1
            except LineLost:
                hello = device.reconnect(hello, 5)
    assert len(names) > 1


def test_a_device_that_counts_another_boot_was_reset(line):
    with Transport(line().port) as transport:
        device = Device(transport, QUICK)
        hello = replace(device.hello(), boot_count=7)
        transport.begin_session(5)  # the device knows nothing of it, as after a reset
        with pytest.raises(DeviceReset):
            list(device.infer([INPUT], hello))


def test_another_device_in_the_place_of_the_first_is_refused(line):
    with Transport(line().port) as transport:
        device = Device(transport, QUICK)
        hello = device.hello()
        with pytest.raises(DeviceError, match="its model_sha256 is not the one"):
            device.reconnect(replace(hello, model_sha256=bytes(32)), 5)


def test_a_device_that_does_not_come_back_is_a_lost_line(line):
    opened = line()
    with Transport(opened.port, find=lambda: None) as transport:
        device = Device(transport, QUICK)
        hello = device.hello()
        transport.close()
        with pytest.raises(LineLost, match="not back in 0.2 s"):
            device.reconnect(hello, 0.2)


def test_numbers_are_used_once_in_a_session_and_a_stream_outlives_its_session(line, monkeypatch):
    monkeypatch.setattr(exchange, "SEQUENCES", 12)
    with Transport(line().port) as transport:
        device = Device(transport)
        hello = device.hello()
        sessions = set()
        indices = []
        for inference in device.infer([INPUT] * 60, hello):
            indices.append(inference.index)
            sessions.add(transport.session.number)
    assert indices == list(range(60))
    assert len(sessions) > 4


def test_a_port_that_another_program_has_is_said_to_be_taken_and_by_whom(tmp_path):
    master, slave = os.openpty()
    port = os.ttyname(slave)
    program = (
        "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        with pytest.raises(UserError, match=f"another program has it open \\(python.*, process {other.pid}\\)"):
            Transport(port)
        other.communicate(b"\n")
    os.close(master)
    os.close(slave)
