"""A Python package that the installation lacks: a line that names it and says what to do, in place of a traceback.

For what is missing before a command could look: half an installation, or one that somebody has taken packages from.
Standard library alone.
"""

from __future__ import annotations

import sys
from types import TracebackType

from tinyproof.advice import by_make


def say_what_is_missing() -> None:
    """From now on an exception that nobody caught for a package that is missing is a line, and the exit status 2."""
    sys.excepthook = _in_a_line


def cure(extra: str = "") -> str:
    """What brings a missing package: make, which made the environment, or an installation with `extra`: `[train]`."""
    if by_make() and sys.prefix != sys.base_prefix:
        return f"remove the folder {sys.prefix} and run make again"
    return f"install tinyproof{extra}"


def _in_a_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if package in ("", "tinyproof"):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stderr.write(f"Error: the Python package {package} is missing in {sys.prefix}: {cure()}\n")
    sys.stderr.flush()
    raise SystemExit(2)
