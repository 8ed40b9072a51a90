"""Ends a Python process as a power cut would, at its n-th step that changes a file below a folder.

Loaded by whoever has this folder on PYTHONPATH. POWER_CUT is `FOLDER:N`; with N = 0 nothing is cut, and the number of
steps is in FOLDER/../steps afterwards. Steps are the opening of a file for writing, every os.write and os.fsync,
what renames, removes, cuts short or makes a folder, and what a database commits, each before it happens.
"""

from __future__ import annotations

import atexit
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

NAMED = {"os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.rmdir": 1, "os.truncate": 1, "os.link": 2}
WRITING = os.O_WRONLY | os.O_RDWR


def watch(folder: Path, cut: int) -> Callable[[], int]:
    """Count the steps, and end at the one that is meant; what is returned says how many there were."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == cut:
            os.kill(os.getpid(), signal.SIGKILL)

    def inside(path: object) -> bool:
        return isinstance(path, (str, bytes, os.PathLike)) and Path(os.fsdecode(path)).absolute().is_relative_to(folder)

    def hook(event: str, arguments: tuple) -> None:
        opened = event == "open" and (arguments[2] or 0) & WRITING and inside(arguments[0])
        if opened or any(map(inside, arguments[: NAMED.get(event, 0)])):
            step()

    def counted(call):
        def wrapped(descriptor, *arguments):
            if os.path.isfile(f"/proc/self/fd/{descriptor}") and inside(os.readlink(f"/proc/self/fd/{descriptor}")):
                step()
            return call(descriptor, *arguments)

        return wrapped

    os.write, os.fsync, os.ftruncate = map(counted, (os.write, os.fsync, os.ftruncate))
    sys.addaudithook(hook)

    class Database(sqlite3.Connection):
        def commit(self) -> None:
            step()
            super().commit()

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **others: connect(*arguments, **{"factory": Database, **others})
    return lambda: steps


if "POWER_CUT" in os.environ:
    name, _, number = os.environ.pop("POWER_CUT").rpartition(":")  # not for the processes that this one starts
    place, count = Path(name), watch(Path(name), int(number))
    if int(number) == 0:
        atexit.register(lambda: (place.parent / "steps").write_text(str(count())))
