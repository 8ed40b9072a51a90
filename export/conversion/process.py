"""Starts the conversion's process, watches its time and memory, and puts what becomes of it into one line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError, console
from tinyproof.environment import run_module
from tinyproof.export.lower import lower
from tinyproof.export.remedies import TRIALS_FILE, TRYING, Trials
from tinyproof.export.tflite_reader import read_graph
from tinyproof.fidelity import FIDELITY_FILE, FLOAT_FILE, Fidelity
from tinyproof.json_files import read_json
from tinyproof.scratch import check_room

LONGEST_S = 1800
LONGEST_TRIALS_S = 300
FIRST_WORD_S = 30.0  # of work without a word; then after twice as long, and so on
POLL_S = 0.1
SHARE_OF_MEMORY = 0.8  # of what is free at the start
LEAST_BYTES = 2 << 30
ROOM_BYTES = 1 << 20  # for temporary files, beside what grows with the model


@dataclass(frozen=True)
class Job:
    """What to convert. `pixels` is a name of `export.pixels` (`why`: why) or AUTO. `remedy` and `other` end errors."""

    keras: Path
    remedy: str
    other: str
    pixels: str
    why: str
    images: NDArray[np.uint8] | NDArray[np.float32] | None
    labelled: tuple[NDArray[np.uint8] | NDArray[np.float32], NDArray[np.integer]] | None = None
    every_class: bool = False  # the labels are of all classes that there are
    against_loss: str = ""  # a name of `export.remedies` to apply, TRY, or '' for TRY where much is lost


@dataclass(frozen=True, eq=False)
class Converted:
    """The int8 bytes, how near they come to float, and what to know of how they were made."""

    content: bytes
    plain: bytes  # the `.tflite` of the float network
    fidelity: Fidelity
    notes: list[str]
    trials: Trials | None  # None where none were made


def convert_apart(job: Job) -> Converted:
    """Convert in a process of its own. UserError in one line that names the layer, where it cannot be done."""
    with _scratch(job, "convert") as folder:
        try:
            ended = _run(folder, job)
        except UserError:
            if unfit := why_unfit(folder):  # which says where, too
                raise UserError(f"{job.keras}: {unfit}") from None
            raise
        refused = folder / "refused.txt"
        if ended and (folder / "stage.txt").read_text() == TRYING:
            console.print(f"{ended}: those done by then are shown", markup=False)
            ended = ""  # what it has made before is whole
        if ended or refused.exists():
            check_room(2 * job.keras.stat().st_size + ROOM_BYTES)  # of which TensorFlow has other words
            why = ended or refused.read_text()
            if ended and "converting" not in (folder / "stage.txt").read_text():
                unfit = why_unfit(folder) or f"{why} while {(folder / 'stage.txt').read_text()}; {job.remedy}"
                raise UserError(f"{job.keras}: {unfit}")
            raise UserError(f"{job.keras}: {guilty(job, why)}")
        content = (folder / "model.tflite").read_bytes()
        fidelity = read_json(folder / FIDELITY_FILE, Fidelity, "convert")
        plain, notes = (folder / FLOAT_FILE).read_bytes(), json.loads((folder / "notes.json").read_text())
        trials = (folder / TRIALS_FILE).exists()
        return Converted(
            content, plain, fidelity, notes, read_json(folder / TRIALS_FILE, Trials, "convert") if trials else None
        )


def why_unfit(folder: Path) -> str:
    """Why the model that was made cannot be computed, in the words of the engine; '' where it can, or none was made.

    Interpreters abort on such a model.
    """
    try:
        lower(read_graph((folder / "model.tflite").read_bytes(), "the int8 model made of it"))
    except UserError as error:
        return error.message
    except OSError:
        return ""
    return ""


def input_shape(job: Job) -> tuple[int, int, int]:
    """(H,W,C) that the network takes, of a file that does not say so."""
    with _scratch(job, "shape") as folder:
        if ended := _run(folder, job):
            raise UserError(f"{job.keras}: {ended} while {(folder / 'stage.txt').read_text()}; {job.remedy}")
        height, width, channels = json.loads((folder / "shape.json").read_text())
        return height, width, channels


def guilty(job: Job, why: str) -> str:
    """The layer that the converter does not get over, and why; `why` with those to suspect where it is none alone."""
    with _scratch(job, "probe") as folder:
        if ended := _run(folder, job):
            return f"{(folder / 'stage.txt').read_text()}: {ended}; use another layer in its place"
        if found := (folder / "guilty.txt").read_text():
            return found
        if "layer '" in why or "; " in why:
            return why
        likely = (folder / "suspects.txt").read_text()
        return f"{why}: {likely}" if likely else f"{why}; {job.remedy}"


@contextmanager
def _scratch(job: Job, kind: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = ("remedy", "other", "pixels", "why", "every_class", "against_loss")
        words = {name: str(getattr(job, name)) for name in names}
        (folder / "job.json").write_text(json.dumps({"kind": kind, "keras": str(job.keras), **words}))
        (folder / "stage.txt").write_text("starting")
        if job.images is not None:
            np.save(folder / "images.npy", job.images)
        if job.labelled is not None:
            np.savez(folder / "labelled.npz", x=job.labelled[0], y=job.labelled[1])
        yield folder


def _run(folder: Path, job: Job) -> str:
    """Run the child to its end. What ended it before its time, in words, or ''. UserError for an error of its own."""
    limit = max(LEAST_BYTES, int(SHARE_OF_MEMORY * _free_bytes()))
    with open(folder / "messages.txt", "wb") as messages:
        process = start(folder, messages, {**os.environ, "TMPDIR": str(folder)})
        try:
            if ended := _watch(process, folder, limit):
                return ended
        finally:
            _end(process)
    if process.returncode < 0:
        with contextlib.suppress(ValueError):
            return f"the converter crashed ({signal.Signals(-process.returncode).name})"
        return f"the converter crashed (signal {-process.returncode})"
    if process.returncode or (folder / "error.txt").exists():
        check_room(2 * job.keras.stat().st_size + ROOM_BYTES)  # without it the child cannot even say so
    if (folder / "error.txt").exists():
        raise UserError((folder / "error.txt").read_text())
    if process.returncode:
        last = (folder / "messages.txt").read_text(errors="replace").strip().splitlines()
        return f"the converter ended with status {process.returncode} ({last[-1].strip() if last else 'no word'})"
    return ""


def start(folder: Path, output: IO[bytes], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the child on the job in the folder, in a session of its own, which ends with it."""
    return subprocess.Popen(
        [*run_module("tinyproof.export.conversion.child"), str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        start_new_session=True,
    )


def _watch(process: subprocess.Popen[bytes], folder: Path, limit: int) -> str:
    """Wait for the end, with a word where it takes long. What it takes too much of, memory or time, in words, or ''."""
    started, trying, word_s = time.monotonic(), 0.0, FIRST_WORD_S
    while process.poll() is None:
        time.sleep(POLL_S)
        now, stage = time.monotonic(), (folder / "stage.txt").read_text()
        if _used_bytes(process.pid) > limit:
            return f"the converter took more than {limit / 2**30:.1f} GiB of memory"
        if now - started > LONGEST_S:
            return f"the converter was not done after {LONGEST_S // 60} minutes"
        if stage == TRYING and not trying:
            trying = now
            console.print("Int8 may fall short of float: trying what helps")
        if trying and now - trying > LONGEST_TRIALS_S:
            return "the remedies took too long"
        if now - started > word_s:
            console.print(f"still {stage}, after {now - started:.0f} s", markup=False)
            word_s *= 2
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, AttributeError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def _used_bytes(pid: int) -> int:
    """Memory in use of a process; 0 where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def _free_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 8 << 30
