"""Ctrl-C and what ends a job: one line, no process left, no file by half, and the status of the signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import DEMO_MODEL, ROOT

MARK = "TINYPROOF_TEST_MARK"
COMMAND = [sys.executable, "-m", "tinyproof"]


def started(words: list[str], **environment: str) -> subprocess.Popen[str]:
    """In a session of its own, as in a terminal of its own."""
    return subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job behind a shell may ignore it
    )


def processes(mark: str) -> list[str]:
    """Those that were started with the mark, in whichever session, but for what has ended."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def gone(mark: str) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not processes(mark):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def model(built_model):
    return built_model


def arguments(verb: str, model: Path) -> list[str]:
    more = {
        "export": ["--board", "host"],
        "build": ["--board", "host"],
        "validate": ["--board", "host"],
        "predict": ["--board", "host", "--image", "docs/images"],
        "explore": ["--board", "none", "--out", str(model / "explore")],
        "emulate": ["--board", "host"],
        "train": ["--board", "host", "--epochs", "30", "--overwrite", "--out", str(model)],
    }[verb]
    return [verb, *more, *([] if verb in ("train", "explore") else ["--model", str(model)])]


@pytest.mark.parametrize(
    "verb, number, after_s",
    [
        ("train", signal.SIGTERM, 6.0),
        ("export", signal.SIGINT, 4.0),
        ("export", signal.SIGHUP, 0.4),
        ("build", signal.SIGINT, 1.5),
        ("validate", signal.SIGHUP, 3.0),
        ("predict", signal.SIGTERM, 2.0),
        ("explore", signal.SIGINT, 3.0),
    ],
)
def test_a_command_that_is_ended_says_so_in_a_line_and_leaves_nothing_by_half(model, verb, number, after_s, tmp_path):
    """At some moment: on a slow machine an early one, on a fast one perhaps after the end."""
    (tmp_path / "scratch").mkdir()
    for name in ("model.tflite", "host/firmware.elf", "expected.npz"):
        (model / name).unlink(missing_ok=True) if verb in ("export", "build") else None
    mark = f"{verb}-{os.getpid()}-{number}"
    process = started([*COMMAND, *arguments(verb, model)], TMPDIR=str(tmp_path / "scratch"), **{MARK: mark})
    time.sleep(after_s)
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=60)
    lines = [line for line in errors.splitlines() if line]
    if process.returncode != 0:  # else it was done
        # Python itself, before it runs a line of ours, ends by the signal.
        assert process.returncode == 128 + number or (process.returncode == -number and not lines), errors
        assert len(lines) <= 1 and all(line.startswith("Error: interrupted") for line in lines), errors
    assert "Traceback" not in output + errors
    assert gone(mark), processes(mark)
    assert not list(model.rglob(".*.unfinished")) and not list(model.rglob(".build.*"))
    assert not list((tmp_path / "scratch").iterdir())


def test_the_status_is_the_signals_also_where_it_comes_while_a_string_is_executed(tmp_path):
    """As the standard library does for each data class and named tuple, of which an import is full."""
    (tmp_path / "ended.py").write_text(
        "import click\nfrom tinyproof.console import run\n"
        """@click.command()\ndef command(): exec("import os; os.kill(os.getpid(), 1)")\nrun(command, "ended")\n"""
    )
    process = subprocess.run(
        [sys.executable, "-m", "ended"], cwd=tmp_path, capture_output=True, text=True, preexec_fn=hears_of_hangups
    )
    assert (process.returncode, process.stderr.strip()) == (128 + signal.SIGHUP, "Error: interrupted")


def hears_of_hangups() -> None:
    """Also where the tests are run by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_whoever_does_not_want_to_hear_of_it_does_not(model):
    """`nohup`, and a shell for what runs behind it, have a signal ignored."""
    process = subprocess.Popen(
        [*COMMAND, *arguments("emulate", model)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert "answers on port" in process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0  # how an emulation ends


def test_an_interrupted_demo_ends_with_the_line_of_its_stage(model, tmp_path):
    (tmp_path / "build").mkdir()
    model.rename(tmp_path / "build" / DEMO_MODEL.name)
    mark = f"demo-{os.getpid()}"
    process = started([*COMMAND, "demo", "--board", "host"], **{MARK: mark})
    assert process.stdout.readline().startswith("1/4 training")
    time.sleep(1)
    process.send_signal(signal.SIGTERM)  # to it alone
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM and errors.split() == ["Error:", "interrupted"], errors
    assert gone(mark)


PROGRAM = """
import os, signal, sys
from pathlib import Path
import click
from tinyproof import interruption
from tinyproof.console import run, write_together

@click.command()
def command():
    def first():
        os.kill(os.getpid(), signal.SIGTERM)
    write_together({Path("a"): "a", Path("b"): "b"}, first)
    print("not reached")

run(command, "x")
"""


def test_files_that_belong_together_are_all_there_when_the_interruption_is_heard(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stdout) == (128 + signal.SIGTERM, "")
    assert result.stderr.split() == ["Error:", "interrupted"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_a_killed_command_left_in_the_folder_for_temporary_files_goes_with_the_next(model, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = started([*COMMAND, *arguments("emulate", model)], TMPDIR=str(scratch), **{MARK: "killed"})
    assert "answers on port" in process.stdout.readline()
    [left] = scratch.iterdir()
    (left / "of a library").touch()
    long_ago = time.time() - 1000
    os.utime(left, (long_ago, long_ago))
    describe = [*COMMAND, "describe", "--tflite", str(model / "model.tflite")]
    for is_over in (False, True):
        if is_over:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=20)
        another = started(describe, TMPDIR=str(scratch))
        another.communicate(timeout=60)
        assert another.returncode == 0 and left.exists() is not is_over
    assert not list(scratch.iterdir())
