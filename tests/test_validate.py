"""Runs that are killed, interrupted, resumed, shared out and lied to; every device is a real process behind a line."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
from conftest import ROOT
from serial_server import serve

import host.connection
import host.run
from export.manifest import load_manifest, save_manifest
from firmware.boards import BOARDS, HOST_C
from firmware.build import build
from host.connection import start
from host.console import UserError
from host.device import Device
from host.emulators import emulator
from host.faults import Event, parse_faults
from host.journal import JOURNAL_FILE, read_journal
from host.junit import cases, save_junit
from host.line import Line, LineSettings
from host.pace import Patience
from host.summary import describe_disagreements
from host.transport import LineLost
from host.validate import Plan, validate

HOST = BOARDS["host"]
BAUD = 921_600  # the 359 samples take three seconds
SAMPLES = 359


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The demo's model with the firmware of the board `host`, what Python answers, and the hash of a clean run."""
    source = ROOT / "build" / "digits_small"
    folder = tmp_path_factory.mktemp("built") / source.name
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("journal*", "report.*", *BOARDS))
    build(folder, HOST)
    return folder, validate(Plan(folder, HOST)).run_sha256


@pytest.fixture
def model(built, tmp_path):
    """A copy of its own for each test."""
    folder = tmp_path / built[0].name
    shutil.copytree(built[0], folder, ignore=shutil.ignore_patterns("journal*"))
    return folder


@pytest.fixture
def clean_sha256(built):
    return built[1]


@contextmanager
def slow_line(model):
    with Line(lambda: start(model, HOST), LineSettings(BAUD)) as line:
        yield line


@pytest.fixture
def soon_silent(monkeypatch):
    """A device that does not answer is taken for lost after one second, not 25."""
    monkeypatch.setattr(host.connection, "Device", lambda transport: Device(transport, Patience(silence_s=1.0)))


def validation(model, *arguments, limits=None):
    """`python -m host validate` as a process of its own, its output captured; `limits` are those of setrlimit."""
    command = [sys.executable, "-m", "host", "validate", "--model", model, "--board", "host", *arguments]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: [resource.setrlimit(what, (value, value)) for what, value in (limits or {}).items()],
    )


def wait_for_answers(model, count):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (model / JOURNAL_FILE).is_file() and len(read_journal(model / JOURNAL_FILE).answers) >= count:
            return
        time.sleep(0.01)
    raise AssertionError("no answers came")


def report_of(model):
    return json.loads((model / "report.json").read_text())


def assert_each_sample_counted_once(report, clean_sha256):
    assert (report.samples, report.verdict, report.run_sha256) == (SAMPLES, "equal", clean_sha256)
    assert sum(device.samples + device.resumed for device in report.devices) == SAMPLES


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
    assert (report["samples"], report["samples_resumed"]) == (SAMPLES, answered)
    assert (report["run_sha256"], report["latency"]["inferences"]) == (clean_sha256, SAMPLES)
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
        assert process.returncode == 2 and errors.startswith("Error: interrupted; ") and errors.count("\n") == 1
        assert "RESUME=1" in errors and "journal" in errors and "of 359 samples" in errors
    with start(model, HOST) as board:
        report = validate(Plan(model, HOST, (board.port,), resume=True))
    assert report.samples_resumed >= 40
    assert_each_sample_counted_once(report, clean_sha256)


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
    assert report.samples_resumed == SAMPLES and report.devices[0].samples == 0
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
    assert report.samples_resumed >= 40
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_device_that_never_gets_anywhere_is_given_up(model, monkeypatch):
    def stream(run, station):
        raise LineLost("gone")

    monkeypatch.setattr(host.run.Run, "stream", stream)
    with pytest.raises(UserError, match="times in a row without an answer.*RESUME=1"):
        validate(Plan(model, HOST))


def test_two_devices_share_the_samples_and_one_report(model, clean_sha256):
    report = validate(Plan(model, HOST, devices=2))
    assert [device.samples > 0 for device in report.devices] == [True, True]
    assert report.devices[0].identity == report.devices[1].identity
    assert report.devices[0].url != report.devices[1].url
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_slow_device_leaves_the_work_to_the_others(model, clean_sha256):
    with slow_line(model) as slow, start(model, HOST) as fast:
        report = validate(Plan(model, HOST, (slow.port, fast.port)))
    assert 0 < report.devices[0].samples < report.devices[1].samples
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_dying_device_leaves_its_samples_to_the_others(model, clean_sha256):
    with slow_line(model) as dying, slow_line(model) as living:
        port = dying.port

        def kill():
            wait_for_answers(model, 40)
            dying.device.process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        report = validate(Plan(model, HOST, (dying.port, living.port), patience_s=3600))
        killer.join()
    assert port in report.devices[0].ended and not report.devices[1].ended
    assert 0 < report.devices[0].samples < report.devices[1].samples
    assert [case.name for case in cases(report) if case.failure] == ["no device is lost"]
    assert_each_sample_counted_once(report, clean_sha256)


# Devices that say they are like the others and are not: Python's interpreter, answering with a wrong byte.
LIAR = """
import sys
from pathlib import Path
from host import interpreter_device as device
honest, counts = device.InterpreterDevice._infer, {}
def infer(self, data):
    reply = honest(self, data)
    counts[data] = counts.get(data, 0) + 1
    wrong = WRONG
    output = bytes([reply.output[0] ^ wrong]) + reply.output[1:]
    return type(reply)(reply.ticks, output)
device.InterpreterDevice._infer = infer
device.main(Path(sys.argv[1]), reference=False)
"""
ALWAYS = "sum(data) % 5 == 0"
AT_FIRST = "sum(data) % 5 == 0 and counts[data] == 1"


@contextmanager
def liar(model, wrong=ALWAYS):
    with emulator([sys.executable, "-c", LIAR.replace("WRONG", wrong), str(model)]) as process:
        yield process


@pytest.fixture
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_devices_that_disagree_are_named(model, in_root):
    with start(model, BOARDS["interpreter"]) as honest, liar(model) as lying:
        report = validate(Plan(model, HOST, (honest.port, lying.port)))
    names = [f"interpreter on {process.port}" for process in (honest, lying)]
    assert (report.verdict, report.exit_status) == ("different", 1)
    assert report.differences and {difference.answered_by for difference in report.differences} == {lying.port}
    assert report.disagreements
    assert {(d.first, d.second, d.second_is_golden) for d in report.disagreements} == {(names[1], names[0], True)}
    assert f"{names[0]} answers otherwise than {names[1]}" in describe_disagreements(report)


def test_a_device_that_does_not_repeat_itself_is_named(model, in_root):
    with liar(model, AT_FIRST) as fickle:
        report = validate(Plan(model, HOST, (fickle.port,)))
    assert report.bytes_different > 0
    assert len(report.disagreements) == min(report.samples_different, host.run.LOOKED_AT_AGAIN)
    assert f"interpreter on {fickle.port} does not repeat its own answers" in describe_disagreements(report)


def test_an_answer_of_another_size_is_not_counted(model, in_root, monkeypatch):
    monkeypatch.setitem(globals(), "LIAR", LIAR.replace("+ reply.output[1:]", "+ reply.output[2:]"))
    with liar(model) as lying, pytest.raises(UserError, match="an answer of 9 bytes; 0 of 359 samples are in"):
        validate(Plan(model, HOST, (lying.port,)))


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
    assert validate(Plan(model, HOST, resume=True)).samples_resumed == SAMPLES
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


@pytest.mark.parametrize("telnet", [True, False], ids=["rfc2217", "socket"])
def test_a_board_on_another_machine_is_validated_like_any_other(model, clean_sha256, telnet):
    with start(model, HOST) as board, serve(board.port, telnet) as server:
        url = f"{'rfc2217' if telnet else 'socket'}://127.0.0.1:{server.port}"
        report = validate(Plan(model, HOST, (url,)))
        assert report.devices[0].url == url
        assert not telnet or server.control == {"dtr": False, "rts": False}
        wants_dtr = replace(HOST, wants_dtr=True)
        validate(Plan(model, wants_dtr, (url,), limit=1))
        assert not telnet or server.control == {"dtr": True, "rts": False}
    assert_each_sample_counted_once(report, clean_sha256)


@pytest.mark.parametrize("telnet", [True, False], ids=["rfc2217", "socket"])
def test_a_connection_that_breaks_is_made_again(model, clean_sha256, soon_silent, telnet):
    with start(model, HOST) as board, serve(board.port, telnet, cut_after=100_000) as server:
        url = f"{'rfc2217' if telnet else 'socket'}://127.0.0.1:{server.port}"
        report = validate(Plan(model, HOST, (url,)))
        assert server.clients == 2
    assert report.devices[0].reconnects == 1
    assert_each_sample_counted_once(report, clean_sha256)


def test_boards_here_and_elsewhere_share_one_run(model, clean_sha256):
    with ExitStack() as stack:
        boards = [stack.enter_context(start(model, HOST)) for _ in range(3)]
        servers = [stack.enter_context(serve(boards[0].port, True)), stack.enter_context(serve(boards[1].port, False))]
        urls = (f"rfc2217://127.0.0.1:{servers[0].port}", f"socket://127.0.0.1:{servers[1].port}", boards[2].port)
        report = validate(Plan(model, HOST, urls))
    assert [device.url for device in report.devices] == list(urls)
    assert all(device.samples for device in report.devices)
    assert_each_sample_counted_once(report, clean_sha256)


def test_a_run_that_may_stop_early_does_and_can_be_resumed(model):
    (model / "splits.npz").unlink()  # random inputs, as many as wanted
    report = validate(Plan(model, HOST, limit=1500, stop_when_sure=True))
    assert report.sure.reached and report.verdict == "equal"
    assert report.samples_planned == 1500 > report.samples >= report.sure.low_margin + report.sure.drawn
    assert report.sure.rate.high < 0.005
    again = validate(Plan(model, HOST, limit=1500, stop_when_sure=True, resume=True))
    assert (again.samples, again.samples_resumed, again.run_sha256) == (report.samples,) * 2 + (report.run_sha256,)
    whole = validate(Plan(model, HOST, limit=1500, resume=True))
    assert (whole.samples, whole.samples_resumed, whole.sure) == (1500, report.samples, None)


def test_a_device_that_is_wrong_too_often_is_run_to_the_end(model, in_root):
    with liar(model) as lying:
        report = validate(Plan(model, HOST, (lying.port,), stop_when_sure=True))
    assert not report.sure.reached and report.samples == SAMPLES
    assert report.sure.rate.low == report.sure.rate.high == report.samples_different / SAMPLES


def test_python_is_asked_once_for_what_a_device_has_to_answer(model, monkeypatch):
    validate(Plan(model, HOST))
    for maker in ("default_interpreter", "golden_interpreter"):
        monkeypatch.setattr(f"host.expected.{maker}", lambda tflite: pytest.fail("made an interpreter"))
    validate(Plan(model, HOST))


def test_accuracies_intervals_confusions_and_classes_agree_with_each_other(model):
    report = validate(Plan(model, HOST))
    for party in ("int8_host", "int8_device"):
        share, interval = getattr(report.accuracy, party), getattr(report.accuracy_interval, party)
        counts = getattr(report.confusion, party)
        assert sum(map(sum, counts)) == SAMPLES
        assert sum(counts[i][i] for i in range(10)) / SAMPLES == pytest.approx(share)
        assert interval.low < share < interval.high
        for number, of_class in enumerate(report.per_class):
            assert of_class.samples == sum(counts[number])
            assert getattr(of_class.recall, party) == pytest.approx(counts[number][number] / of_class.samples)
    assert [of_class.name for of_class in report.per_class] == report.classes == list("0123456789")
    assert report.samples_equal_interval.low < report.samples_equal_to_interpreter / SAMPLES


def test_junit_has_a_test_case_for_every_question(model, tmp_path):
    path = tmp_path / "junit.xml"
    process = validation(model, "--junit", path)
    process.communicate()
    assert process.returncode == 0
    suite = read_junit(path)
    assert not suite.findall(".//failure")
    assert len(suite.findall("testcase")) >= 7
    assert {p.get("name") for p in suite.findall(".//property")} >= {"model_sha256", "run_sha256", "samples_resumed"}


def test_junit_names_what_failed(model, tmp_path, in_root):
    with liar(model) as lying:
        report = validate(Plan(model, HOST, (lying.port,)))
    worse = replace(report, accuracy=replace(report.accuracy, float=1.0, int8_device=0.9))
    save_junit(worse, tmp_path / "junit.xml")
    failures = {
        case.get("name"): case.find("failure").get("message")
        for case in read_junit(tmp_path / "junit.xml").findall("testcase")
        if case.find("failure") is not None
    }
    assert set(failures) == {
        "every output byte is the golden's",
        "accuracy on the device is at most 1% below the float model's",
    }
    assert f"{report.bytes_different:,} of 3,590" in failures["every output byte is the golden's"]


def read_junit(path):
    """The suite of a file that keeps to the schema of Jenkins' JUnit plugin (its elements, attributes and counts)."""
    root = ElementTree.parse(path).getroot()
    (suite,) = root
    assert (root.tag, suite.tag, suite[0].tag) == ("testsuites", "testsuite", "properties")
    assert set(root.attrib) <= {"name", "time", "tests", "failures", "errors", "disabled"}
    assert set(suite.attrib) <= {
        "name",
        "tests",
        "failures",
        "errors",
        "time",
        "skipped",
        "timestamp",
        "hostname",
        "id",
    }
    tested = suite.findall("testcase")
    assert all(set(case.attrib) <= {"name", "classname", "time", "assertions", "status"} for case in tested)
    assert all(len(case) <= 1 and {child.tag for child in case} <= {"failure", "skipped"} for case in tested)
    for element in (root, suite):
        assert int(element.get("tests")) == len(tested)
        assert int(element.get("failures")) == len(suite.findall(".//failure"))
        assert int(element.get("errors")) == 0
    assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))
    return suite


def test_every_device_is_checked_before_anything_runs(model):
    other = model.parent / "other"
    shutil.copytree(model, other)
    save_manifest(other, replace(load_manifest(other), model_sha256="00" * 32))
    with start(model, HOST) as board, pytest.raises(UserError, match="runs model"):
        validate(Plan(other, HOST, (board.port, board.port)))
    assert not (other / JOURNAL_FILE).exists()


def test_a_journal_that_cannot_be_written_ends_the_run_in_one_line(model):
    process = validation(model, limits={resource.RLIMIT_FSIZE: 4096})
    _, errors = process.communicate()
    assert process.returncode == 2 and errors.count("\n") == 1 and "journal: the disk is full" in errors, errors
