"""One writer at a time in a model's folder: a second one waits, and says for whom.

A claim belongs to a whole run: all stages of one `make`, or one command of its own. A file in the folder is locked
while a process writes, and names the run that goes on after it. It ends with the run, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import IO

import click
import portalocker

from tinyproof.console import UNFINISHED, UserError, console, make_writable, no_room

CLAIM_FILE = ".claim"
OWNER = "TINYPROOF_OWNER"  # the process whose end ends the run, where it is not ours: the Makefile and demo set it
ASK_AGAIN_S = 0.2
_held: dict[Path, IO[str]] = {}


def claim(folder: Path, make: bool = False) -> None:
    """Have the folder to this run until the command ends, waiting while another one writes to it.

    `make` the folder where it is not there; it goes again where it stays empty. UserError if it cannot be made.
    Nothing is claimed where no command runs: who calls these stages from Python has them in hand.
    """
    command = click.get_current_context(silent=True)
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    option = "out" if command and any(each.name == "out" for each in command.command.params) else "model"
    if make:
        make_writable(folder, option)
    place = folder.resolve()
    if command is not None:
        refuse_links(folder)
    if command is None or place in _held or not os.access(place, os.W_OK):
        return
    try:
        _held[place] = _wait_for(place, folder)
    except BaseException as error:
        _remove_empty(new)
        if isinstance(error, OSError):
            raise no_room(folder, error, option) from None
        raise
    command.find_root().call_on_close(lambda: _leave(place, new))
    for path in _unfinished(folder):  # of a run that was cut short
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _wait_for(place: Path, folder: Path) -> IO[str]:
    told = False
    while (file := _try_claim(place)) is None:
        if not told:
            console.print(f"{folder} is being written by {_owner_in_words(place)}: waiting for it", markup=False)
            told = True
        time.sleep(ASK_AGAIN_S)
    return file


def _unfinished(folder: Path) -> list[Path]:
    """What could not be brought to its end, in the folder and its own subfolders."""
    return [path for below in ("", "*/", "*/*/") for path in folder.glob(f"{below}.*{UNFINISHED}")]


def refuse_links(folder: Path) -> None:
    """Raise UserError for a link in the folder: what is written to it would land elsewhere."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(parent) / name).is_symlink():
                raise UserError(
                    f"{path} is a symbolic link, and a model's folder holds its own files alone: remove it, or name "
                    "another folder"
                )


def release(folder: Path) -> None:
    """Give the folder back before the run ends: nothing of it is needed any more."""
    place = folder.resolve()
    if file := _held.pop(place, None):
        file.truncate(0)
        file.close()


def _try_claim(folder: Path) -> IO[str] | None:
    """The locked file; None where another run has it."""
    path = folder / CLAIM_FILE
    folder.mkdir(exist_ok=True)  # whoever left may have removed it
    file = path.open("a+", encoding="utf-8")
    try:
        portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        file.close()
        return None
    owner = _owner()
    before = _read(file, folder)
    if not _is(path, file) or (before and before != owner and _goes_on(before)):
        file.close()
        return None
    file.seek(0)
    file.truncate()
    # A run of one process needs no name: its lock ends with it.
    try:
        file.write(json.dumps({**owner, "folder": str(folder)} if owner["process"] != os.getpid() else {}))
        file.flush()
    except OSError:
        with contextlib.suppress(OSError):
            file.close()
        raise
    return file


def _goes_on(run: dict[str, object]) -> bool:
    """Whether it has not ended; one whose last command outlived it had ended before it was written down."""
    return run["started"] is not None and _started(run["process"]) == run["started"]


def _leave(folder: Path, new: list[Path]) -> None:
    """At the end of the command: the file goes with a run that ends, and so do `new` folders that are empty."""
    file = _held.pop(folder, None)
    if file is None:
        return
    with contextlib.suppress(OSError):
        if _owner()["process"] == os.getpid() or [path.name for path in folder.iterdir()] == [CLAIM_FILE]:
            (folder / CLAIM_FILE).unlink()
    _remove_empty(new)
    file.close()


def _remove_empty(folders: list[Path]) -> None:
    with contextlib.suppress(OSError):
        for path in folders:
            path.rmdir()


def _owner() -> dict[str, object]:
    name = os.environ.get(OWNER, "")
    process = int(name) if name.isdigit() else os.getpid()
    return {"process": process, "started": _started(process)}


def _started(process: object) -> str | None:
    """When a process began, as the system counts, so that its number given again is not taken for it; None: it ended.

    An empty string where the system does not say when.
    """
    if not isinstance(process, int) or sys.platform == "win32":
        return None  # no run of several processes there
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(process, 0)
    except PermissionError:
        return ""
    except OSError:
        return None
    return ""


def _read(file: IO[str], folder: Path) -> dict[str, object] | None:
    """The run that the file names; None where it names none, or came with a copy of another folder."""
    file.seek(0)
    try:
        found = json.loads(file.read(4096) or "{}")
    except ValueError:
        return None
    if not isinstance(found, dict) or found.pop("folder", None) != str(folder) or set(found) != {"process", "started"}:
        return None
    return found


def _is(path: Path, file: IO[str]) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False


def _owner_in_words(folder: Path) -> str:
    with contextlib.suppress(OSError), (folder / CLAIM_FILE).open(encoding="utf-8") as file:
        if found := _read(file, folder):
            return f"another run (process {found['process']})"
    return "another command"
