"""Runs that are killed, interrupted and resumed: nothing is lost, nothing counted twice, nothing mixed up."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from dataclasses import replace

import pytest
from runs import (
    HOST,
    SAMPLES,
    assert_each_sample_counted_once,
    liar,
    report_of,
    slow_line,
    validation,
    wait_for_answers,
)

import tinyproof.host.connection
import tinyproof.host.run
from tinyproof.boards import BOARDS
from tinyproof.compilers import HOST_C
from tinyproof.console import UserError
from tinyproof.firmware.build import build
from tinyproof.host.connection import start
from tinyproof.host.device import Device
from tinyproof.host.exchange import Exchange
from tinyproof.host.journal import JOURNAL_FILE
from tinyproof.host.journal_records import read_journal
from tinyproof.host.line.faults import Event, parse_faults
from tinyproof.host.line.proxy import LineSettings
from tinyproof.host.transport import LineLost, Transport
from tinyproof.host.validate import Plan, validate


@pytest.fixture
def model(built_model):
    return built_model


def test_a_killed_run_is_resumed_and_every_sample_is_counted_once(model, clean_sha256):
    with slow_line(model) as line:
        process = validation(model, "--port", line.port)
        wait_for_answers(model, 40)
        process.kill()
        process.communicate()
        answered = len(read_journal(model / JOURNAL_FILE).answers)
        assert 40 <= answered < SAMPLES and not (model / "report.json").exists()
    with start(model, HOST) as board:
        process = validation(model, "--port", board.port, "--resume")
        output, errors = process.communicate()
    report = report_of(model)
    assert process.returncode == 0, output + errors
    assert "Resuming" in output and "EQUAL" in output
    assert (report["samples"], report["sampling"]["resumed"]) == (SAMPLES, answered)
    assert (report["run_sha256"], report["cost"]["latency"]["inferences"]) == (clean_sha256, SAMPLES)
    samples = [answer.sample for answer in read_journal(model / JOURNAL_FILE).answers]
    assert sorted(samples) == list(range(SAMPLES))


@pytest.mark.parametrize(
    "number, hanging",
    [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, False)],
    ids=["ctrl-c", "ctrl-c, hanging device", "terminated"],
)
def test_an_interrupted_run_ends_with_one_line_that_says_how_to_go_on(model, clean_sha256, number, hanging):
    with slow_line(model) as line:
        process = validation(model, "--port", line.port)
        wait_for_answers(model, 40)
        if hanging:
            line.device.process.send_signal(signal.SIGSTOP)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
        line.device.process.send_signal(signal.SIGCONT)
        assert process.returncode == 128 + number
        assert errors.startswith("Error: interrupted; ") and errors.count("\n") == 1
        assert "RESUME=1" in errors and "journal" in errors and "of 359 samples" in errors
    timed = [answer.ticks is not None for answer in read_journal(model / JOURNAL_FILE).answers]
    assert timed[0] and (hanging or not timed[-1])  # the last ones were on their way when it was interrupted
    with start(model, HOST) as board:
        report = validate(Plan(model, HOST, (board.port,), resume=True))
    assert report.sampling.resumed >= 40
    assert report.cost.latency.inferences == SAMPLES - timed.count(False)
    assert_each_sample_counted_once(report, clean_sha256)


@pytest.mark.parametrize("board", ["unicorn", "interpreter"])
def test_an_interruption_at_the_terminal_leaves_no_wrong_time(model, board):
    """Ctrl-C goes to every process of the terminal's foreground."""
    if BOARDS[board].sources:
        build(model, BOARDS[board])
    process = validation(model, "--board", board, start_new_session=True)
    wait_for_answers(model, 20)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors.startswith("Error: interrupted; "), errors
    report = validate(Plan(model, BOARDS[board], resume=True))
    assert report.verdict == "equal" and 20 <= report.cost.latency.inferences <= SAMPLES
    if board == "unicorn":  # which counts exactly
        assert report.cost.latency.maximum < 1.01 * report.cost.latency.minimum


@pytest.mark.parametrize("board", ["unicorn", "interpreter"])
def test_an_interrupted_emulator_ends(model, board):
    if BOARDS[board].sources:
        build(model, BOARDS[board])
    with start(model, BOARDS[board]) as emulator:
        assert os.getsid(emulator.process.pid) != os.getsid(0)
        with Transport(emulator.port) as line:
            Device(line).exchange.hello()
        emulator.process.send_signal(signal.SIGINT)
        assert emulator.process.wait(10) != 0


def test_a_stopped_process_measures_its_own_time(model):
    with start(model, HOST) as board, Transport(board.port) as line:
        device = Device(line)
        hello = device.exchange.hello()

        def inputs():
            for number in range(200):
                if number == 100:
                    board.process.send_signal(signal.SIGSTOP)
                    time.sleep(0.3)
                    board.process.send_signal(signal.SIGCONT)
                yield bytes(784)

        assert max(inference.ticks for inference in device.infer(inputs(), hello)) < 200_000_000


def test_no_emulated_board_outlives_its_run(model):
    process = validation(model, "--devices", "2")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    process = validation(model, "--devices", "2")
    process.kill()
    process.communicate(timeout=20)
    deadline = time.monotonic() + 10
    while (left := running_images(model)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def running_images(model):
    result = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in result.stdout.splitlines() if line.startswith(str(model))]


def test_a_whole_journal_is_resumed_without_asking_for_a_sample_again(model, clean_sha256):
    validate(Plan(model, HOST))
    report = validate(Plan(model, HOST, resume=True))
    assert report.sampling.resumed == SAMPLES and report.devices[0].samples == 0
    assert_each_sample_counted_once(report, clean_sha256)


@pytest.mark.parametrize("event", [Event.RESET, Event.VANISH])
def test_a_device_that_was_reset_or_came_back_elsewhere_goes_on_by_itself(model, clean_sha256, soon_silent, event):
    faults = replace(parse_faults(f"1:{event.value}:90000"), pause_s=0.5)
    report = validate(Plan(model, HOST, baud=115_200, line=LineSettings(None, faults)))
    assert event is not Event.RESET or report.devices[0].resets >= 1
    assert report.devices[0].reconnects >= 1
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_device_that_stays_away_ends_the_run_after_the_patience_and_another_goes_on(model, clean_sha256):
    with slow_line(model) as line:
        port = line.port
        process = validation(model, "--port", port, "--patience", "0.5")
        wait_for_answers(model, 40)
        line.device.process.kill()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 2 and errors.count("\n") == 1, errors
    assert port in errors and "RESUME=1" in errors and not (model / "report.json").exists()
    with start(model, HOST) as another:
        report = validate(Plan(model, HOST, (another.port,), resume=True))
    assert report.sampling.resumed >= 40
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_device_that_never_gets_anywhere_is_given_up(model, monkeypatch):
    def stream(run, station):
        raise LineLost("gone")

    monkeypatch.setattr(tinyproof.host.run.Run, "stream", stream)
    with pytest.raises(UserError, match="times in a row without an answer.*RESUME=1"):
        validate(Plan(model, HOST))


def test_a_device_that_is_lost_as_its_line_is_made_faster_is_said_to_have_answered_before(model, monkeypatch):
    def speed_up(exchange, hello, baud):
        raise LineLost(f"{exchange.transport.url}: gone")

    monkeypatch.setattr(Exchange, "speed_up", speed_up)
    with pytest.raises(UserError, match="gone; it had answered before: try again, or with .*115200"):
        validate(Plan(model, HOST))


def test_the_time_that_a_silent_device_was_waited_for_is_that_of_all_attempts(model, monkeypatch):
    with start(model, HOST) as board:

        def stream(run, station):
            board.process.send_signal(signal.SIGSTOP)
            raise LineLost("gone")

        monkeypatch.setattr(tinyproof.host.run, "RECONNECT_S", 0.1)
        monkeypatch.setattr(tinyproof.host.run.Run, "stream", stream)
        with pytest.raises(UserError, match=r"did not answer again in 0\.4 s"):
            validate(Plan(model, HOST, (board.port,), patience_s=0.4))
        board.process.send_signal(signal.SIGCONT)


def test_other_firmware_that_says_it_is_the_same_is_not_resumed_with(model, in_root):
    with start(model, BOARDS["interpreter"]) as honest:
        validate(Plan(model, HOST, (honest.port,)))
    with liar(model, "True") as lying, pytest.raises(UserError, match="other bytes than .* before.*other firmware"):
        validate(Plan(model, HOST, (lying.port,), resume=True))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"limit": 10}, "other samples"),
        ({"board": BOARDS["interpreter"]}, "another device or firmware"),
    ],
)
def test_a_run_of_something_else_is_refused_and_its_journal_kept(model, change, words):
    validate(Plan(model, HOST))
    before = (model / JOURNAL_FILE).read_bytes()
    with pytest.raises(UserError, match=words) as caught:
        validate(replace(Plan(model, HOST, resume=True), **change))
    assert "\n" not in caught.value.message and "start without RESUME=1" in caught.value.message
    assert (model / JOURNAL_FILE).read_bytes().rstrip(b"\0") == before.rstrip(b"\0")


def test_other_firmware_of_the_same_board_is_another_device_and_the_same_built_again_is_not(model):
    validate(Plan(model, HOST))
    build(model, HOST)
    assert validate(Plan(model, HOST, resume=True)).sampling.resumed == SAMPLES
    build(model, replace(HOST, compilers=(replace(HOST_C, flags=(*HOST_C.flags, "-O1")),)))
    with pytest.raises(UserError, match="another device or firmware"):
        validate(Plan(model, HOST, resume=True))


def test_two_validations_of_one_model_do_not_mix(model):
    with slow_line(model) as line:
        process = validation(model, "--port", line.port)
        wait_for_answers(model, 1)
        with pytest.raises(UserError, match="another validation is writing"):
            validate(Plan(model, HOST))
        process.terminate()
        process.communicate()


def test_a_run_that_may_stop_early_does_and_can_be_resumed(model):
    (model / "splits.npz").unlink()  # random inputs, as many as wanted
    report = validate(Plan(model, HOST, limit=1500, stop_when_sure=True))
    assert report.sampling.sure.reached and report.verdict == "equal"
    assert (
        report.sampling.planned == 1500 > report.samples >= report.sampling.sure.low_margin + report.sampling.sure.drawn
    )
    assert report.sampling.sure.rate.high < 0.005
    again = validate(Plan(model, HOST, limit=1500, stop_when_sure=True, resume=True))
    assert (again.samples, again.sampling.resumed, again.run_sha256) == (report.samples,) * 2 + (report.run_sha256,)
    whole = validate(Plan(model, HOST, limit=1500, resume=True))
    assert (whole.samples, whole.sampling.resumed, whole.sampling.sure) == (1500, report.samples, None)


def test_a_journal_that_cannot_be_written_ends_the_run_in_one_line(model):
    process = validation(model, limits={resource.RLIMIT_FSIZE: 4096})
    _, errors = process.communicate()
    assert process.returncode == 2 and errors.count("\n") == 1 and "journal: the disk is full" in errors, errors
