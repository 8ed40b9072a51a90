"""Power cuts, full disks and a second run at the same time: whatever happened, the next run ends right.

`python tests/test_interruptions.py` cuts every stage at every step that changes a file, and runs every pair of stages
at once; `... build validate` cuts these two stages alone, `... at-once` cuts none. Here a few of them.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from conftest import DEMO_MODEL, ROOT

from tinyproof.console import UNFINISHED

BOARD = ("--board", "host")
STAGES = {
    "train": ("train", "--epochs", "1", "--out"),
    "export": ("export", *BOARD, "--model"),
    "build": ("build", *BOARD, "--model"),
    "validate": ("validate", *BOARD, "--limit", "40", "--model"),
}
# What else writes into a model's folder that is whole; all of it is there after the stages above.
OTHERS = {
    "report": ("report", "--model"),
    "sketch": ("sketch", "--board", "nano33ble", "--model"),
    "play": ("play", "--no-dreams", "--model"),
    "explore": ("explore", *("--board", "none", "--size", "64"), "--out"),
    "notebook": ("notebook", "--no-open", "--model"),
    "training-report": ("training-report", "--model"),
    "predict": ("predict", *BOARD, "--image", str(ROOT / "docs/images"), "--model"),
}
AT_ONCE = "at-once"
pytestmark = pytest.mark.timeout(1200)  # many processes, of which a busy machine makes each slow
SAMPLED = {"export": 2, "build": 2, "validate": 2}  # cuts of each stage in the test suite; training takes too long
SMALLEST_FILE = 4000  # bytes: nothing that a stage leaves is so small on the whole
LEFT = ("training.json", "expected.npz", "report.json", "report.html", "training.html", "journal", "journal.before")


def stage(name: str, folder: Path, cut: int | None = None, **how: object) -> subprocess.CompletedProcess[str]:
    """One stage of the model in `folder`, cut at a step or not."""
    return subprocess.run(command(name, folder), **settings(folder, cut), **how)


def command(name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tinyproof", *{**STAGES, **OTHERS}[name], str(folder)]


def settings(folder: Path, cut: int | None = None) -> dict[str, object]:
    cutting = {} if cut is None else {"PYTHONPATH": str(ROOT / "tests/power_cut"), "POWER_CUT": f"{folder}:{cut}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return {"cwd": ROOT, "env": {**os.environ, **cutting}, "text": True, **pipes}


def steps_of(name: str, before: Path, place: Path) -> int:
    """How many steps a whole run of the stage has; it is left in `place`."""
    shutil.copytree(before, place)
    result = stage(name, place, 0)
    assert result.returncode == 0, result.stderr
    return int((place.parent / "steps").read_text())


def goes_on_after(name: str, cut: int, before: Path, place: Path) -> None:
    """Cut the stage at that step; the next run of it and of what follows ends as if nothing had been."""
    shutil.copytree(before, place)
    ended = stage(name, place, cut)
    assert ended.returncode == -9, (name, cut, ended.stdout, ended.stderr)
    finish(name, place)


def is_made_good_after(name: str, cut: int, before: Path, place: Path, whole: Path) -> None:
    """Cut what is no stage at that step; its next run leaves what an undisturbed one does."""
    shutil.copytree(before, place)
    assert stage(name, place, cut).returncode == -9, (name, cut)
    result = stage(name, place)
    assert result.returncode == 0, (name, cut, result.stdout, result.stderr)
    assert contents(place, ()) == contents(whole, ()), (name, cut)
    assert not list(place.rglob(f".*{UNFINISHED}")), (name, cut)


def finish(name: str, place: Path) -> None:
    """Run the stage and those behind it, and look at what they leave."""
    names = list(STAGES)
    for following in names[names.index(name) :]:
        result = stage(following, place)
        assert result.returncode == 0, (following, result.stdout, result.stderr)
    assert json.loads((place / "report.json").read_text())["verdict"] == "equal"


def contents(folder: Path, left: Sequence[str] = LEFT) -> dict[str, bytes]:
    """What decides: not times, not paths, and no names of temporary files."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in left)
    named = {path.relative_to(folder).as_posix(): path for path in files}
    kept = {name: path for name, path in named.items() if not path.name.startswith(".") and path.suffix != ".elf"}
    return {name: path.read_bytes().replace(bytes(folder), b"") for name, path in kept.items()}


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> dict[str, Path]:
    """The model's folder before each stage, and after all of them (`done`). Nothing is quantized, which takes long."""
    return make_states(tmp_path_factory.mktemp("states"), ("labels.txt", "splits.npz", "model.tflite"))


def make_states(folder: Path, kept: Sequence[str]) -> dict[str, Path]:
    """The same, with these files there before the export."""
    found = {"train": folder / "none" / "m", "export": folder / "trained" / "m"}
    found["train"].mkdir(parents=True)
    found["export"].mkdir(parents=True)
    for name in kept:
        shutil.copy(DEMO_MODEL / name, found["export"])
    for name, after in (("export", "build"), ("build", "validate"), ("validate", "done")):
        found[after] = folder / after / "m"
        shutil.copytree(found[name], found[after])
        result = stage(name, found[after])
        assert result.returncode == 0, result.stderr
    return found


def sample(steps: int, count: int) -> list[int]:
    """Steps spread over a stage, the first and the last among them."""
    return sorted({1 + round(place * (steps - 1) / max(1, count - 1)) for place in range(count)})


@pytest.mark.parametrize("name", SAMPLED)
def test_a_stage_that_was_cut_anywhere_is_made_good_by_the_next_run(states, tmp_path, name):
    steps = steps_of(name, states[name], tmp_path / "whole" / "m")
    assert steps > 3
    for cut in sample(steps, SAMPLED[name]):
        place = tmp_path / str(cut) / "m"
        goes_on_after(name, cut, states[name], place)
        assert contents(place) == contents(states["done"])


@pytest.mark.parametrize("name", ["export", "validate"])
def test_a_disk_that_is_full_ends_in_one_line_and_the_next_run_ends_right(states, tmp_path, name):
    """Full for every file beyond a few kilobytes."""
    place = tmp_path / "m"
    shutil.copytree(states[name], place)
    limit = (SMALLEST_FILE, SMALLEST_FILE)
    ended = stage(name, place, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert ended.returncode == 2 and ended.stderr.count("Error: ") == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    finish(name, place)


def at_once(one: str, other: str, before: Path, place: Path) -> None:
    """Both at the same time: each does its work or says in a line what it lacks, and then all is as it should be."""
    shutil.copytree(before, place)
    running = [subprocess.Popen(command(name, place), **settings(place)) for name in (one, other)]
    for process, name in zip(running, (one, other), strict=True):
        output, errors = process.communicate(timeout=300)
        assert process.returncode in (0, 2) and "Traceback" not in errors, (name, output, errors)
        assert process.returncode == 0 or errors.count("Error: ") == 1, (name, errors)
    finish("export", place)


PAIRS = list(combinations_with_replacement(STAGES, 2))


@pytest.mark.parametrize("one, other", [pair for pair in PAIRS if "train" not in pair and len(set(pair)) == 2])
def test_two_stages_at_once_leave_a_model_that_is_whole(states, tmp_path, one, other):
    at_once(one, other, states["export"], tmp_path / "m")
    assert contents(tmp_path / "m") == contents(states["done"])


def main() -> None:
    """All of it."""
    with tempfile.TemporaryDirectory() as scratch:
        kept = ("labels.txt", "splits.npz", "model.keras", "float_scores.npy", "training.json")
        places = make_states(Path(scratch) / "states", kept)
        asked = sys.argv[1:]
        for name in set(asked) & set(STAGES) if asked else STAGES:
            steps = steps_of(name, places[name], Path(scratch) / f"{name}-whole" / "m")
            for cut in range(1, steps + 1):
                place = Path(scratch) / "cut" / "m"
                goes_on_after(name, cut, places[name], place)
                shutil.rmtree(place)
            print(f"{name}: cut at each of {steps} steps, the next run ended right", flush=True)
        for name in set(asked) & set(OTHERS) if asked else OTHERS:
            whole = Path(scratch) / f"{name}-whole" / "m"
            steps = steps_of(name, places["done"], whole)
            for cut in range(1, steps + 1):
                place = Path(scratch) / "cut" / "m"
                is_made_good_after(name, cut, places["done"], place, whole)
                shutil.rmtree(place)
            print(f"{name}: cut at each of {steps} steps, the next run ended right", flush=True)
        for one, other in [] if asked and AT_ONCE not in asked else PAIRS:
            at_once(one, other, places["train" if "train" in (one, other) else "export"], Path(scratch) / "pair" / "m")
            shutil.rmtree(Path(scratch) / "pair")
            print(f"{one} and {other} at once: the next run ended right", flush=True)


if __name__ == "__main__":
    main()
