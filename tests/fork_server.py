"""Conversions that begin where TensorFlow is loaded: a process that has loaded it forks one for each.

Loading takes most of a small conversion's time, and the tests convert some hundred networks. Here a conversion is a
process of its own as in the tool, with its arguments, environment, output, memory and end; only what it has imported
is there before it begins. `python fork_server.py SOCKET` is that process: it computes nothing itself, because what
TensorFlow starts for its first sum does not outlive a fork.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tinyproof.backend import BACKEND, SETTINGS, UNUSED, load_keras

MODULE = "tinyproof.export.conversion.child"
READ_WHEN_LOADED = ("TF_", "KERAS_", "OMP_", "XLA_")  # settings that a process forked later can no longer change
LONGEST_WORDS = 1 << 20


def settings_when_loaded(environment: Mapping[str, str]) -> dict[str, str]:
    """What TensorFlow and Keras read of an environment while they are imported."""
    settings = {**SETTINGS, **environment, **BACKEND}
    return {name: value for name, value in settings.items() if name.startswith(READ_WHEN_LOADED)}


class ForkServer:
    """The process that forks, started when it is first needed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._address = str(Path(self._folder.name) / "socket")
        self._settings: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, folder: Path, output: IO[bytes], environment: dict[str, str]) -> ForkedProcess | None:
        """Begin a conversion as `process.start` does; None where the environment asks for another TensorFlow."""
        if self._process is None:
            self._begin(environment)
        if settings_when_loaded(environment) != self._settings:
            return None
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._address)
        words = json.dumps({"folder": str(folder), "here": os.getcwd(), "environment": environment})
        socket.send_fds(connection, [words.encode() + b"\n"], [output.fileno()])
        return ForkedProcess(connection)

    def _begin(self, environment: dict[str, str]) -> None:
        self._settings = settings_when_loaded(environment)
        command = [sys.executable, __file__, self._address]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
        assert self._process.stdout is not None and self._process.stdout.readline() == b"loaded\n"

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()  # the end of its input is its own
        self._folder.cleanup()


class ForkedProcess:
    """What of subprocess.Popen the tool uses, for a process that the server waits for."""

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile("rb")
        self._connection = connection
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and selected(self._connection):
            self.wait()
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(int(self._answers.readline()))
            self._answers.close()
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def selected(connection: socket.socket) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


def serve(address: str) -> None:
    """Fork a process for every connection and tell its status, until the input ends: then end those that still run."""
    load_keras()
    assert not set(UNUSED) & set(sys.modules), "Keras has loaded what nobody uses here"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    ended, of_signals = os.pipe()
    os.set_blocking(of_signals, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(of_signals)
    running: dict[int, socket.socket] = {}
    print("loaded", flush=True)
    with selectors.DefaultSelector() as selector:
        for source in (listening, sys.stdin.fileno(), ended):
            selector.register(source, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _ in selector.select()]
            if ended in ready:
                os.read(ended, 4096)
                tell_the_ended(running)
            if sys.stdin.fileno() in ready:
                break
            if listening.fileno() in ready:
                connection, _ = listening.accept()
                words, descriptors, *_ = socket.recv_fds(connection, LONGEST_WORDS, 1)
                while not words.endswith(b"\n"):
                    words += connection.recv(LONGEST_WORDS)
                if not (pid := os.fork()):
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    convert(json.loads(words), descriptors[0])
                os.close(descriptors[0])
                running[pid] = connection
                connection.sendall(b"%d\n" % pid)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def tell_the_ended(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as connection, contextlib.suppress(OSError):
                connection.sendall(b"%d\n" % status)


def convert(job: dict, output: int) -> None:
    """Be the conversion's process; does not return."""
    status = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, descriptor)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(job["environment"])
        tempfile.tempdir = None
        os.chdir(job["here"])
        sys.argv = [MODULE, job["folder"]]
        runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # as Python's own end
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    del sys.path[0]  # the tests' own modules
    serve(sys.argv[1])
