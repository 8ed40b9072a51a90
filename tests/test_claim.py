"""One run at a time writes to a model's folder, all of its stages together; another one waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from tinyproof.claim import CLAIM_FILE, OWNER

HOLD = """
import sys, time, click
from pathlib import Path
from tinyproof.claim import claim
with click.Context(click.Command('stage')):
    claim(Path(sys.argv[1]), make=True)
    print('mine', flush=True)
    sys.stdin.read()
"""


def holding(folder, owner=None):
    environment = {name: value for name, value in os.environ.items() if name != OWNER}
    if owner:
        environment[OWNER] = str(owner)
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )


def end(process):
    process.stdin.close()
    process.wait(30)


@pytest.fixture
def run_of_several():
    """A process like a make, which outlives its stages."""
    process = subprocess.Popen(["sleep", "100"])
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("ends", [end, lambda process: (process.kill(), process.wait(30))], ids=["ends", "killed"])
def test_a_second_command_waits_says_so_and_goes_on(tmp_path, ends):
    first = holding(tmp_path / "m")
    assert first.stdout.readline() == "mine\n"
    second = holding(tmp_path / "m")
    assert "is being written by another command: waiting for it" in second.stdout.readline()
    ends(first)
    assert second.stdout.readline() == "mine\n"
    end(second)


def test_a_run_keeps_the_folder_between_its_stages_until_it_ends(tmp_path, run_of_several):
    for _ in range(2):  # stages
        stage = holding(tmp_path / "m", run_of_several.pid)
        assert stage.stdout.readline() == "mine\n"
        (tmp_path / "m" / "made").touch()
        end(stage)
    other = holding(tmp_path / "m")
    assert f"by another run (process {run_of_several.pid}): waiting" in other.stdout.readline()
    run_of_several.kill()
    run_of_several.wait()
    assert other.stdout.readline() == "mine\n"
    end(other)


def test_a_stage_that_outlives_its_run_keeps_the_folder_no_longer_than_it_writes(tmp_path, run_of_several):
    run_of_several.kill()
    run_of_several.wait()
    stage = holding(tmp_path / "m", run_of_several.pid)
    assert stage.stdout.readline() == "mine\n"
    (tmp_path / "m" / "made").touch()
    end(stage)
    other = holding(tmp_path / "m")
    assert other.stdout.readline() == "mine\n"
    end(other)


def test_a_copy_of_a_folder_is_nobodys(tmp_path, run_of_several):
    stage = holding(tmp_path / "m", run_of_several.pid)
    assert stage.stdout.readline() == "mine\n"
    (tmp_path / "m" / "made").touch()
    end(stage)
    (tmp_path / "m").rename(tmp_path / "copy")
    assert (tmp_path / "copy" / CLAIM_FILE).stat().st_size
    other = holding(tmp_path / "copy")
    assert other.stdout.readline() == "mine\n"
    end(other)


def test_nothing_is_left_of_a_command_that_made_nothing(tmp_path):
    process = holding(tmp_path / "m")
    assert process.stdout.readline() == "mine\n" and (tmp_path / "m" / CLAIM_FILE).is_file()
    end(process)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff\0", b"[]", b'{"process": "x", "started": 1}', b"{" * 9000])
def test_a_damaged_claim_is_none(tmp_path, content):
    (tmp_path / CLAIM_FILE).write_bytes(content)
    process = holding(tmp_path)
    assert process.stdout.readline() == "mine\n"
    end(process)


def test_many_at_once_write_one_after_the_other(tmp_path):
    program = """
import sys, time, click
from pathlib import Path
from tinyproof.claim import claim
log = Path(sys.argv[1]) / "log"
with click.Context(click.Command('stage')):
    claim(Path(sys.argv[1]) / "m", make=True)
    with log.open("a") as file: file.write("in ")
    time.sleep(0.05)
    with log.open("a") as file: file.write("out ")
"""
    runs = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=-3) for _ in range(5)]
    deadline = time.monotonic() + 60
    while any(run.poll() is None for run in runs) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [run.returncode for run in runs] == [0] * 5
    assert (tmp_path / "log").read_text().split() == ["in", "out"] * 5
