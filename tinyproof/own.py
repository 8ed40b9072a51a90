"""Whether something is this user's own work: a signature with a key that never leaves the home folder.

A model's folder may come from anyone. What would be run, or taken for an earlier result of ours, counts only with our
signature (docs/security.md).
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tinyproof import scratch
from tinyproof.console import UserError

KEY_BYTES = 32


def signature(content: bytes) -> str:
    """What nobody without our key can give for this content. UserError where there is no place for a key."""
    return hmac.new(_key(), content, "sha256").hexdigest()


def is_signed(content: bytes, signed: object) -> bool:
    """Whether `signed` is our signature of the content."""
    return isinstance(signed, str) and signed.isascii() and hmac.compare_digest(signature(content), signed)


@cache
def _key() -> bytes:
    """The first key there is, else a new one in the first place that takes it."""
    places = list(_places())
    for place in places:
        if found := _read(place):
            return found
    for place in places:
        with contextlib.suppress(OSError):
            return _make(place)
    raise UserError(f"{places[0]} cannot be written, nor any other place for a key: make one writable, e.g. your home")


def _places() -> Iterator[Path]:
    """Where a key may lie: the user's state, else the virtual environment, else a folder for temporary files."""
    with contextlib.suppress(RuntimeError):
        yield Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "tinyproof" / "key"
    yield Path(sys.prefix) / "tinyproof.key"
    yield Path(scratch.temporary_files()) / f"tinyproof-{_user()}" / "key"


def _read(place: Path) -> bytes | None:
    """The key that lies there; None where none does, or somebody else's."""
    try:
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(file.fileno())
        ours = not hasattr(os, "getuid") or (state.st_uid == _user() and not state.st_mode & 0o077)
        content = file.read(KEY_BYTES + 1) if ours else b""
    return content if len(content) == KEY_BYTES else None


def _make(place: Path) -> bytes:
    """A new key, whole as soon as it is there; the one of another process that was faster."""
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=place.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        if place.exists() and _read(place) is None:
            place.unlink()  # cut short, or somebody else's
        with contextlib.suppress(FileExistsError):
            os.link(temporary, place)
    finally:
        os.unlink(temporary)
    if (found := _read(place)) is None:
        raise FileNotFoundError(str(place))
    return found


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
