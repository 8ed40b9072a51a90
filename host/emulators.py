"""Starts firmware that needs no hardware: a process whose serial line becomes a port anyone can open.

The process gets the master side of a pseudo-terminal as its standard input and output; the port is the other side.
Where there are no pseudo-terminals (Windows) it gets pipes, and the port is a TCP port. That is all an emulated board
is to the rest of the tool.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tinyproof.console import UserError
from tinyproof.host.tcp_line import serve

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

    @property
    def hindrance(self) -> str:
        """What keeps it from being understood; nothing here."""
        return ""

    def find(self) -> str | None:
        """Where its port is now, for host/transport.py; None once the process has ended."""
        return self.port if self.running else None

    def last_words(self) -> str:
        """How the process ended and the end of what it wrote to standard error."""
        self.messages.seek(0)
        text = self.messages.read()[-2000:].decode(errors="replace").strip()
        return f"it ended with status {self.process.poll()}" + (f": {text}" if text else "")


HAS_TERMINALS = importlib.util.find_spec("termios") is not None


@contextlib.contextmanager
def emulator(command: Sequence[str], terminal: bool = HAS_TERMINALS) -> Iterator[Emulator]:
    """The command, running behind a port for as long as the context: a pseudo-terminal, or else a TCP port."""
    with tempfile.TemporaryFile() as messages:
        behind_port = _behind_terminal if terminal else _behind_tcp
        with behind_port(command, messages) as process:
            yield process


@contextlib.contextmanager
def _behind_terminal(command: Sequence[str], messages: BinaryIO) -> Iterator[Emulator]:
    import pty

    master, slave = pty.openpty()
    _set_raw(slave)
    try:
        process = _start(command, master, messages)
    except UserError:
        os.close(slave)
        raise
    finally:
        os.close(master)
    try:
        # `slave` stays open meanwhile: the line must outlive any one client.
        yield Emulator(os.ttyname(slave), process, messages)
    finally:
        os.close(slave)  # the process sees its line close
        _end(process)


def _set_raw(terminal: int) -> None:
    """Have every byte pass as it is, also where the program has what it writes processed, as QEMU does."""
    import termios
    import tty

    tty.setraw(terminal)
    attributes = termios.tcgetattr(terminal)
    attributes[1] = 0  # no line end becomes another
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


@contextlib.contextmanager
def _behind_tcp(command: Sequence[str], messages: BinaryIO) -> Iterator[Emulator]:
    process = _start(command, subprocess.PIPE, messages)
    try:
        with serve(process) as port:
            yield Emulator(port, process, messages)
    finally:
        _end(process)


def _start(command: Sequence[str], line: int, messages: BinaryIO) -> subprocess.Popen[bytes]:
    try:
        # In a session of its own: the terminal's Ctrl-C and Ctrl-Z are for whoever counts what it measures, not for it.
        return subprocess.Popen(command, stdin=line, stdout=line, stderr=messages, start_new_session=True)
    except OSError as error:
        # A program that may be executed and does not start lies on a drive where none may.
        no_programs = isinstance(error, PermissionError) and os.path.isfile(command[0])
        remedy = "; where its drive lets no programs start (noexec), take another folder" if no_programs else ""
        raise UserError(f"cannot start {command[0]}: {error.strerror}{remedy}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process to end by itself, now that its line is closed, or make it."""
    for end in (process.poll, process.terminate, process.kill):
        end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_TIMEOUT_S)
