"""Another locale, time zone, umask, home, folder for temporary files, no network, odd paths: the same result."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DEMO_MODEL, ROOT

STAGES = (
    ("emit", "--board", "host"),
    ("build", "--board", "host"),
    ("validate", "--board", "host", "--limit", "40"),
    ("report",),
)
OTHERWISE = {
    "locale": {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "latin-1"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
    "home": {"HOME": "/proc/nowhere"},
    "screen": {"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1"},
}


def run(folder: Path, umask: int, before: tuple[str, ...] = (), **environment: str) -> dict[str, object]:
    """Every stage; what must be the same wherever it runs."""
    for verb, *arguments in STAGES:
        result = subprocess.run(
            [*before, sys.executable, "-m", "tinyproof", verb, "--model", str(folder), *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=200,
            umask=umask,
        )
        assert result.returncode == 0, (verb, result.stdout, result.stderr)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    sources = {path.relative_to(folder): path.read_bytes() for path in (folder / "c").rglob("*") if path.is_file()}
    return {
        "verdict": report["verdict"],
        "answers": report["run_sha256"],
        "sources": sources,
        "image": (folder / "host" / "firmware.elf").stat().st_size,
    }


def copied(place: Path) -> Path:
    kept = ("model.tflite", "labels.txt", "splits.npz")
    place.mkdir(parents=True)
    for name in kept:
        shutil.copy(DEMO_MODEL / name, place)
    return place


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> dict[str, object]:
    return run(copied(tmp_path_factory.mktemp("usual") / "digits"), 0o022)


def test_the_result_is_the_same_wherever_it_runs(usual, tmp_path):
    """All at once; a failure names the stage."""
    folder = copied(tmp_path / "mein Ordner, äöü 'x' $HOME" / "digits")
    elsewhere = tmp_path / "für Vorläufiges"
    elsewhere.mkdir()
    environment = {name: value for settings in OTHERWISE.values() for name, value in settings.items()}
    before = ("unshare", "--net", "--map-root-user") if can_unshare() else ()
    found = run(folder, 0o077, before, **environment, TMPDIR=str(elsewhere), XDG_STATE_HOME=str(tmp_path / "state"))
    assert found["answers"] and found == usual
    written = [*(folder / "c").rglob("*.c"), folder / "model.json", folder / "report.html", folder / "expected.npz"]
    assert not [path for path in written if path.stat().st_mode & 0o077]
    assert not list(elsewhere.iterdir())


def can_unshare() -> bool:
    """Whether a process can be started without a network."""
    command = ["unshare", "--net", "--map-root-user", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


def test_without_a_home_that_can_be_written_the_key_lies_elsewhere(tmp_path, command):
    folder = copied(tmp_path / "digits")
    settings = {"HOME": "/proc/nowhere", "XDG_STATE_HOME": ""}
    for verb, *arguments in STAGES[:2]:
        result = command(verb, "--model", folder, *arguments, **settings)
        assert result.returncode == 0, result.stderr
    assert command("hello", "--model", folder, "--board", "host", **settings).returncode == 0
