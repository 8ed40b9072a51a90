"""Ctrl-C, and the signals that end a job or a session: what was begun is undone, and the exit status is 128 + the
signal's number, as for any program that a signal ends.

Python knows Ctrl-C alone, and as an exception that may come up anywhere: `interruptible` makes the others the same, and
`later` puts them off. Standard library alone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

LINE = "Error: interrupted"
SAME_S = 1.0  # a terminal, make and whoever started us may each pass on one and the same end
_signals = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_received = 0
_at = -SAME_S
_put_off = _pending = False


def exit_status() -> int:
    """128 + the number of the signal that came first; 0 where none did."""
    return 128 + _received if _received else 0


def before_anything_began() -> None:
    """Until `interruptible`: end at once, with the line. Importing libraries takes a while."""
    _handle(_end_with_line)


def interruptible() -> None:
    """From now on KeyboardInterrupt is raised in the main thread."""
    _handle(_raise)


def nothing_left() -> None:
    """All is undone and said: whatever comes now ends the process without a word."""
    exec("")  # else `python -m` ends by SIGINT, whatever the status, where KeyboardInterrupt came up in such a string
    _handle(lambda number, _: os._exit(exit_status() or 128 + number))


@contextmanager
def later() -> Iterator[None]:
    """Put interruptions off until the end of a short piece of work, which is done whole or not begun."""
    global _put_off, _pending
    outermost, _put_off = not _put_off, True
    try:
        yield
    finally:
        if outermost:
            _put_off, pending, _pending = False, _pending, False
            if pending:
                raise KeyboardInterrupt


def _handle(handler: Callable[[int, FrameType | None], object]) -> None:
    for number in _signals:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it, or a shell for what runs behind it
            signal.signal(number, handler)


def _raise(number: int, frame: FrameType | None) -> None:
    global _received, _at, _pending
    again, _at = time.monotonic() - _at < SAME_S, time.monotonic()
    _received = _received or number
    if _put_off:
        _pending = True
    elif not again:
        raise KeyboardInterrupt


def _end_with_line(number: int, frame: FrameType | None) -> None:
    sys.stderr.write(f"{LINE}\n")
    sys.stderr.flush()
    os._exit(128 + number)
