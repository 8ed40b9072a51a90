"""Power cuts, full disks and a second run at the same time: whatever happened, the next run ends right.

`python tests/test_interruptions.py` cuts every stage at every step that changes a file, and runs every pair of stages
at once; `... build validate` cuts these two stages alone, `... sketch:100` that one from its step 100 on, `... at-once`
none. Here a few of them.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest
from conftest import DEMO_MODEL, ROOT, tinyproof

from tinyproof.__main__ import STOREY_OF, start
from tinyproof.boards import BOARDS
from tinyproof.console import UNFINISHED
from tinyproof.firmware.build import build, image_path
from tinyproof.host.emulators import emulator

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
}
# What needs more than a model: a board that answers, which is the firmware as a process; pictures.
BOARD_THERE = "esp32"
FLASH = {"flash": ("flash", "--engine", "compiled", "--board", BOARD_THERE, "--model")}
SEARCH = {"search": ("search", "--dataset", "set.npz", *BOARD, "--trials", "1")}
ALL = {**STAGES, **OTHERS, **FLASH, **SEARCH}
TFLM = "tflite_micro.python.tflite_micro.runtime"
AT_ONCE = "at-once"
pytestmark = pytest.mark.timeout(1200)  # many processes, of which a busy machine makes each slow
SAMPLED = {"export": 2, "build": 2, "validate": 2}  # cuts of each stage in the test suite; training takes too long
# Which say how long it took, or when.
TIMED = {"explore": ("index.html",), "train": ("model.keras", "training.json", "training.html")}
SEARCHED = "build/search/set"
SMALLEST_FILE = 4000  # bytes: nothing that a stage leaves is so small on the whole
LEFT = ("training.json", "expected.npz", "report.json", "report.html", "training.html", "journal", "journal.before")


def stage(name: str, folder: Path, cut: int | None = None, **how: object) -> subprocess.CompletedProcess[str]:
    """One stage of the model in `folder`, cut at a step or not."""
    if cut is None and not how:
        return tinyproof(*words(name, folder), cwd=settings(name, folder)["cwd"])
    return subprocess.run(command(name, folder), **settings(name, folder, cut), **how)


def words(name: str, folder: Path) -> list[str]:
    """Its command line; a search knows no folder and runs in this one."""
    return [*ALL[name], *([] if name in SEARCH else [str(folder)])]


def command(name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tinyproof", *words(name, folder)]


def settings(name: str, folder: Path, cut: int | None = None) -> dict[str, object]:
    cutting = {} if cut is None else {"PYTHONPATH": str(ROOT / "tests/power_cut"), "POWER_CUT": f"{folder}:{cut}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    where = folder if name in SEARCH else ROOT
    return {"cwd": where, "env": {**os.environ, **cutting}, "text": True, **pipes}


def steps_of(name: str, before: Path, place: Path) -> int:
    """How many steps a whole run of the stage has; it is left in `place`."""
    shutil.copytree(before, place)
    result = RUN(name, place, 0)
    assert result.returncode == 0, result.stderr
    return int((place.parent / "steps").read_text())


def goes_on_after(name: str, cut: int, before: Path, place: Path) -> None:
    """Cut the stage at that step; the next run of it and of what follows ends as if nothing had been."""
    shutil.copytree(before, place)
    ended = RUN(name, place, cut)
    assert ended.returncode == -9, (name, cut, ended.stdout, ended.stderr)
    finish(name, place)


def is_made_good_after(name: str, cut: int, before: Path, place: Path, whole: Path) -> None:
    """Cut what is no stage at that step; its next run leaves what an undisturbed one does."""
    shutil.copytree(before, place)
    assert RUN(name, place, cut).returncode == -9, (name, cut)
    result = RUN(name, place)
    assert result.returncode == 0, (name, cut, result.stdout, result.stderr)
    if name in SEARCH:
        check_search(place, whole)
    else:
        left = TIMED.get(name, ())
        assert contents(place, left) == contents(whole, left), (name, cut)
    assert not list(place.rglob(f".*{UNFINISHED}")), (name, cut)


def check_search(place: Path, whole: Path) -> None:
    """As many networks were trained as were asked for, and one of them was chosen; which is up to chance."""
    assert contents(place, ()).keys() == contents(whole, ()).keys()
    assert json.loads((place / SEARCHED / "chosen.json").read_text())["network"]
    with contextlib.closing(sqlite3.connect(place / SEARCHED / "study.db")) as study:
        found = study.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()
    assert found == (1,)


def finish(name: str, place: Path) -> None:
    """Run the stage and those behind it, and look at what they leave."""
    names = list(STAGES)
    for following in names[names.index(name) :]:
        result = RUN(following, place)
        assert result.returncode == 0, (following, result.stdout, result.stderr)
    assert json.loads((place / "report.json").read_text())["verdict"] == "equal"


def contents(folder: Path, left: Sequence[str] = LEFT) -> dict[str, bytes]:
    """What decides: not times, not paths, and no names of temporary files."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in left)
    named = {path.relative_to(folder).as_posix(): path for path in files}
    kept = {name: path for name, path in named.items() if not path.name.startswith(".") and path.suffix != ".elf"}
    return {name: path.read_bytes().replace(bytes(folder), b"") for name, path in kept.items()}


@contextlib.contextmanager
def board_there(model: Path, scratch: Path) -> Iterator[None]:
    """A board on a port that runs this model, and a stand-in for PlatformIO, which `flash` finds."""
    pio = scratch / "bin" / "pio"
    pio.parent.mkdir()
    pio.write_text("#!/bin/sh\n")
    pio.chmod(0o755)
    there = scratch / "board" / "m"
    shutil.copytree(model, there)
    board = replace(BOARDS["host"], name=BOARD_THERE, defines=(f'BOARD_NAME="{BOARD_THERE}"',))
    build(there, board)
    path = os.environ["PATH"]
    with emulator([str(image_path(there, board))]) as device:
        os.environ["PATH"] = f"{pio.parent}{os.pathsep}{path}"
        ALL["flash"] = (*FLASH["flash"][:-1], "--port", device.port, "--model")
        yield
    os.environ["PATH"] = path


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


def test_a_flash_that_was_cut_is_made_good_by_the_next_one(states, tmp_path):
    with board_there(states["done"], tmp_path):
        whole = tmp_path / "whole" / "m"
        steps = steps_of("flash", states["done"], whole)
        is_made_good_after("flash", steps // 2, states["done"], tmp_path / "cut" / "m", whole)


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
    running = [subprocess.Popen(command(name, place), **settings(name, place)) for name in (one, other)]
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


# ---- all of it. Processes are forked from this one, which has imported everything: otherwise that is most of the time.


def forked(name: str, folder: Path, cut: int | None = None) -> subprocess.CompletedProcess[str]:
    """As `stage`, in a copy of this process."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        sys.stdout.flush()
        if not (process := os.fork()):
            status = 1
            try:
                os.dup2(output.fileno(), 1), os.dup2(errors.fileno(), 2)
                status = become(name, folder, cut)
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        texts = [file.read() for file in (output, errors) if not file.seek(0)]
    return subprocess.CompletedProcess(words(name, folder), status, *texts)


def become(name: str, folder: Path, cut: int | None) -> int:
    """Be the command; its exit status."""
    where = settings(name, folder)["cwd"]
    os.chdir(str(where))
    sys.argv = ["tinyproof", *words(name, folder)]
    count = None if cut is None else watch(folder, cut)
    try:
        start()
    except SystemExit as end:
        if count and cut == 0:
            (folder.parent / "steps").write_text(str(count()))
        return int(end.code or 0)
    return 0


def watch(folder: Path, cut: int) -> Callable[[], int]:
    spec = importlib.util.spec_from_file_location("power_cut", ROOT / "tests/power_cut/sitecustomize.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.watch(folder, cut)


RUN: Callable[..., subprocess.CompletedProcess[str]] = stage


def import_everything() -> None:
    """What the commands import, but for what starts threads."""
    for name in ALL:
        importlib.import_module(f"tinyproof.{STOREY_OF[name]}.commands.{name.replace('-', '_')}")
    for name in ("matplotlib.pyplot", "msgspec", "PIL.Image", TFLM, "ai_edge_litert.interpreter"):
        importlib.import_module(name)


def cut_everywhere(name: str, first: int, before: Path, scratch: Path) -> None:
    """At each of its steps from the first one asked for."""
    whole = scratch / f"{name}-whole" / "m"
    steps = steps_of(name, before, whole)
    for cut in range(first, steps + 1):
        place = scratch / "cut" / "m"
        if name in STAGES and name != "train":  # whose same files lead to the same ones
            goes_on_after(name, cut, before, place)
        else:
            is_made_good_after(name, cut, before, place, whole)
        shutil.rmtree(place.parent)
        print(f"{name} {cut} of {steps}", end="\r", flush=True)
    print(f"{name}: cut at each of its steps {first} to {steps}, the next run ended right", flush=True)


def main() -> None:
    """All of it, or what is asked for."""
    global RUN
    asked = dict(word.partition(":")[::2] for word in sys.argv[1:]) or dict.fromkeys([*ALL, AT_ONCE], "")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        kept = ("labels.txt", "splits.npz", "model.keras", "float_scores.npy", "training.json")
        places = make_states(scratch / "states", kept)
        places["search"] = scratch / "pictures" / "m"
        places["search"].mkdir(parents=True)
        pictures = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
        np.savez(places["search"] / "set.npz", x=pictures, y=np.arange(60) % 2)
        import_everything()
        RUN = forked
        for name in [name for name in ALL if name in asked]:
            board = board_there(places["done"], scratch) if name in FLASH else contextlib.nullcontext()
            with board:
                cut_everywhere(name, int(asked[name] or 1), places.get(name, places["done"]), scratch)
        for one, other in PAIRS if AT_ONCE in asked else []:
            at_once(one, other, places["train" if "train" in (one, other) else "export"], scratch / "pair" / "m")
            shutil.rmtree(scratch / "pair")
            print(f"{one} and {other} at once: the next run ended right", flush=True)


if __name__ == "__main__":
    main()
