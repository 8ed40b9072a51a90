"""What was made of what: a stage that finds its files made of the same inputs, and unchanged since, has nothing to do.

Contents decide, not times. Each folder of a model keeps a record of its own, written after the files. It is signed: a
record that came with somebody else's folder says nothing (tinyproof/own.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tinyproof.console import write_atomically
from tinyproof.own import is_signed, signature
from tinyproof.tree import files_below

RECORD_FILE = ".made.json"
Input = bytes | str | int | bool | None | Path  # a Path stands for what the file holds


def fingerprint(*inputs: Input | Iterable[Path]) -> str:
    """SHA-256 over all of them; a file that is not there counts as such."""
    digest = hashlib.sha256()
    for value in inputs:
        paths = [value] if isinstance(value, Path) else None if isinstance(value, (bytes, str, int)) else value
        for part in [repr(value).encode()] if paths is None else map(_content, paths):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def tree_state(path: Path) -> str:
    """Names, sizes and times of a file, or of every file below a folder: what changes when pictures do."""
    files = files_below(path) if path.is_dir() else [path]
    states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    return fingerprint(repr(states))


@cache
def code_of(package: str) -> str:
    """Of the Python sources of one of our packages, `tinyproof.export` or the like."""
    from importlib import import_module

    folders = import_module(package).__path__
    return fingerprint(sorted(path for folder in list(folders)[:1] for path in Path(folder).rglob("*.py")))


def is_made(folder: Path, stage: str, inputs: str) -> bool:
    """Whether the files of the stage were made of these inputs and are what they were."""
    record = _own(folder, stage)
    return record is not None and record.get("inputs") == inputs and _is_whole(folder, record)


def made_files(folder: Path, stage: str) -> set[Path]:
    """The files that the stage made here and that are what they were; none where one of them is not."""
    record = _own(folder, stage)
    if record is None or not _is_whole(folder, record):
        return set()
    return {folder / str(name) for name in record["files"]}


def inputs_of(folder: Path, stage: str) -> str | None:
    """The inputs that the files of the stage were made of, whatever became of the files; None where nobody knows."""
    record = _own(folder, stage)
    return None if record is None else str(record.get("inputs"))


def settings_of(folder: Path, stage: str) -> dict[str, str] | None:
    """The settings that `remember` was given; None where there is no such record."""
    record = _read(folder).get(stage)
    settings = record.get("settings") if isinstance(record, dict) else None
    return {str(name): str(value) for name, value in settings.items()} if isinstance(settings, dict) else None


def remember(
    folder: Path, stage: str, inputs: str, files: Iterable[Path], settings: Mapping[str, str] | None = None
) -> None:
    """Record what the stage made. `files` lie below the folder; `settings` are for people, in their own words."""
    paths = sorted(files)
    made: dict[str, object] = {
        "inputs": inputs,
        "files": [path.relative_to(folder).as_posix() for path in paths],
        "content": fingerprint(paths),
        "settings": dict(settings or {}),
    }
    made["signature"] = signature(_signed_part(stage, made))
    write_atomically(folder / RECORD_FILE, json.dumps({**_read(folder), stage: made}, indent=1) + "\n")


def _is_whole(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether the files that a record is of are what they were."""
    files = record.get("files")
    return isinstance(files, list) and record.get("content") == fingerprint(folder / str(name) for name in files)


def _own(folder: Path, stage: str) -> dict[str, Any] | None:
    """The record of the stage; None where there is none, or not one of ours."""
    record = _read(folder).get(stage)
    if not isinstance(record, dict) or not is_signed(_signed_part(stage, record), record.get("signature")):
        return None
    return record


def _signed_part(stage: str, record: Mapping[str, object]) -> bytes:
    return json.dumps([stage, {**record, "signature": None}], sort_keys=True).encode()


def _read(folder: Path) -> dict[str, object]:
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}  # what may not be read is an error: nothing is known then
    return record if isinstance(record, dict) else {}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b"\0missing"
