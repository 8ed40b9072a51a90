"""One folder for all temporary files of a command: its own, its libraries', its compilers'.

It goes when the command ends. Where the command was killed, it goes with the next one: a lock tells, which ends with
the process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import portalocker

LOCK_FILE = "lock"
YOUNG_S = 60.0  # a folder may not be locked yet
VARIABLES = ("TMPDIR", "TEMP", "TMP")
_LOCKING = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
_outer = ""  # where the folder lies, while there is one


def temporary_files() -> str:
    """The folder for temporary files that this computer's user has, outside ours."""
    return _outer or tempfile.gettempdir()


@contextlib.contextmanager
def scratch_folder() -> Iterator[None]:
    """Have what this process and those it starts call temporary in a folder that is removed afterwards.

    Where none can be made, all is as without.
    """
    global _outer
    outer = temporary_files()
    try:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(), dir=outer))
    except OSError:
        yield
        return
    with contextlib.ExitStack() as end:
        end.callback(shutil.rmtree, folder, ignore_errors=True)
        with contextlib.suppress(OSError, portalocker.LockException):
            lock = end.enter_context((folder / LOCK_FILE).open("w"))
            portalocker.lock(lock, _LOCKING)
        before = {name: os.environ.get(name) for name in VARIABLES}
        end.callback(_restore, before, tempfile.tempdir, _outer)
        os.environ.update(dict.fromkeys(VARIABLES, str(folder)))
        _outer, tempfile.tempdir = outer, str(folder)
        _sweep(Path(outer))
        yield


def check_room(size: int) -> None:
    """Raise the OSError of a place for temporary files that does not take so many bytes: not every library that fails
    there says why.
    """
    with tempfile.TemporaryFile(buffering=0) as file:
        left = size
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))


def _restore(variables: dict[str, str | None], folder: str | None, outer: str) -> None:
    global _outer
    _outer, tempfile.tempdir = outer, folder
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def _prefix() -> str:
    return f"tinyproof-run-{os.getuid() if hasattr(os, 'getuid') else ''}-"


def _sweep(outer: Path) -> None:
    """Remove the folders of commands that were killed."""
    for folder in outer.glob(f"{_prefix()}*"):
        with contextlib.suppress(OSError, portalocker.LockException):
            if time.time() - folder.lstat().st_mtime < YOUNG_S or folder.is_symlink():
                continue
            with (folder / LOCK_FILE).open("a") as lock:
                portalocker.lock(lock, _LOCKING)
            shutil.rmtree(folder, ignore_errors=True)
