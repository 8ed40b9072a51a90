"""Starts firmware that needs no hardware: a process whose serial line becomes a port anyone can open.

The process gets the master side of a pseudo-terminal as its standard input and output; the port is the other side. That
is all an emulated board is to the rest of the tool.
"""

from __future__ import annotations

import os
import pty
import subprocess
import tempfile
import tty
from collections.abc import Sequence
from types import TracebackType

from host.console import UserError


class Emulator:
    """A running process behind a port. Use as a context manager; it ends with the context."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        master, self._slave = pty.openpty()
        tty.setraw(master)
        tty.setraw(self._slave)  # and kept open: the line must outlive any one client
        self.port = os.ttyname(self._slave)
        self._messages = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(self.command, stdin=master, stdout=master, stderr=self._messages)
        except FileNotFoundError as error:
            raise UserError(f"{self.command[0]} is not installed; `make tools` installs it") from error
        finally:
            os.close(master)

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """How the process ended and the end of what it wrote to standard error."""
        self._messages.seek(0)
        text = self._messages.read()[-2000:].decode(errors="replace").strip()
        return f"{self.command[0]} ended with status {self._process.poll()}" + (f": {text}" if text else "")

    def wait(self) -> int:
        """Wait for the process to end by itself; its exit status."""
        return self._process.wait()

    def close(self) -> None:
        """End the process: by closing its line, and by force if it does not take the hint."""
        os.close(self._slave)
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._messages.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
