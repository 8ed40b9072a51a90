"""Validations as the tests of resuming, of several devices and of the verdict run them: real processes, real lines."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from conftest import ROOT

from tinyproof.boards import BOARDS
from tinyproof.host.connection import start
from tinyproof.host.emulators import emulator
from tinyproof.host.journal import JOURNAL_FILE
from tinyproof.host.journal_records import read_journal
from tinyproof.host.line.faults import parse_faults
from tinyproof.host.line.proxy import Line, LineSettings
from tinyproof.host.validate import Plan, validate

HOST = BOARDS["host"]
BAUD = 921_600  # the 359 samples take three seconds
SAMPLES = 359


@contextmanager
def slow_line(model):
    """A device behind a line. Whatever becomes of it, no other device gets the name of its port in the meantime."""
    with Line(lambda: start(model, HOST), LineSettings(BAUD)) as line:
        holder = os.open(line.port, os.O_RDWR | os.O_NOCTTY)  # a name is given again when nobody has it open
        try:
            yield line
        finally:
            os.close(holder)


def validation(model, *arguments, limits=None, **how):
    """`tinyproof validate` as a process of its own, its output captured; `limits` are those of setrlimit."""
    command = [sys.executable, "-m", "tinyproof", "validate", "--model", model, "--board", "host", *arguments]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **how,
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


# A device that says it is like the others and is not: Python's interpreter, answering with a wrong byte.
LIAR = """
import sys
from pathlib import Path
from tinyproof.host import interpreter_device as device
honest, counts = device.InterpreterDevice._infer, {}
def infer(self, data):
    reply = honest(self, data)
    counts[data] = counts.get(data, 0) + 1
    wrong = WRONG
    output = bytes([reply.output[0] ^ wrong]) + reply.output[1:END]
    return type(reply)(reply.ticks, output)
device.InterpreterDevice._infer = infer
device.main(Path(sys.argv[1]), reference=False)
"""
ALWAYS = "sum(data) % 5 == 0"
AT_FIRST = "sum(data) % 5 == 0 and counts[data] == 1"


@contextmanager
def liar(model, wrong=ALWAYS, end=None):
    """A device whose first byte is off by `wrong`, an expression, and whose answer ends at `end`."""
    program = LIAR.replace("WRONG", wrong).replace("END", str(end))
    with emulator([sys.executable, "-c", program, str(model)]) as process:
        yield process


def assert_equal_over_a_bad_line(model, board):
    """Forty images, with every fault of a line and a chip that is reset."""
    faults = parse_faults("3:drop,flip,duplicate,replay,inject,reorder,reset:5000", 0.2)
    report = validate(Plan(model, board, limit=40, line=LineSettings(None, faults)))
    assert (report.verdict, report.samples, report.bytes_different) == ("equal", 40, 0)
    assert report.cost.instructions is not None and report.line.requests_resent > 0


def assert_resumed_after_its_emulator_was_killed(model, board):
    process = validation(model, "--board", board.name, "--limit", 40)
    wait_for_answers(model, 10)
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2 and errors.startswith("Error: ") and "RESUME=1" in errors, errors
    report = validate(Plan(model, board, limit=40, resume=True))
    assert (report.verdict, report.samples) == ("equal", 40) and 10 <= report.sampling.resumed < 40
