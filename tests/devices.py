"""A device of any board that runs on this machine, for tests that talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyproof.boards import BOARDS, Board
from tinyproof.firmware.build import build
from tinyproof.host.connection import start
from tinyproof.host.device import Device
from tinyproof.host.transport import Transport


@contextmanager
def running(model: Path, which: str | Board) -> Iterator[Device]:
    """The device of a board, built where there is something to build; not yet greeted. It must survive the context."""
    board = which if isinstance(which, Board) else BOARDS[which]
    if board.sources:
        build(model, board)
    with start(model, board) as process, Transport(process.port) as transport:
        yield Device(transport)
        assert process.running, process.last_words()
