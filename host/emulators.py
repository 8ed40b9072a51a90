"""Starts firmware that needs no hardware: a process whose serial line becomes a port anyone can open.

The process gets the master side of a pseudo-terminal as its standard input and output; the port is the other side. That
is all an emulated board is to the rest of the tool.
"""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import tempfile
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from host.console import UserError

END_TIMEOUT_S = 0.5  # for each way of ending, from gentle to sure


@dataclass(frozen=True)
class Emulator:
    """A running process, the port that leads to it, and the file its standard error goes to."""

    port: str
    process: subprocess.Popen[bytes]
    messages: BinaryIO

    @property
    def running(self) -> bool:
        """Whether the process is still there; one whose line has just closed gets a moment to end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.2)
        return self.process.returncode is None

    def find(self) -> str | None:
        """Where its port is now, for host/transport.py; None once the process has ended."""
        return self.port if self.running else None

    def last_words(self) -> str:
        """How the process ended and the end of what it wrote to standard error."""
        self.messages.seek(0)
        text = self.messages.read()[-2000:].decode(errors="replace").strip()
        return f"it ended with status {self.process.poll()}" + (f": {text}" if text else "")


@contextlib.contextmanager
def emulator(command: Sequence[str]) -> Iterator[Emulator]:
    """The command, running behind a port for as long as the context."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    with tempfile.TemporaryFile() as messages:
        try:
            process = subprocess.Popen(command, stdin=master, stdout=master, stderr=messages)
        except OSError as error:
            os.close(slave)
            raise UserError(f"cannot start {command[0]}: {error.strerror}") from error
        finally:
            os.close(master)
        try:
            # `slave` stays open meanwhile: the line must outlive any one client.
            yield Emulator(os.ttyname(slave), process, messages)
        finally:
            os.close(slave)  # the process sees its line close, and ends by itself or by force
            for end in (process.poll, process.terminate, process.kill):
                end()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(END_TIMEOUT_S)
