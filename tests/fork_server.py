"""Processes that begin where their imports are done: one process of each kind has imported, and forks one for each.

Imports take most of the time of a short command, a small conversion and an emulator in Python, and the tests begin some
thousand of them. What is forked is a process of its own as in the tool, with its arguments, environment, folder,
output, memory and end; only what it has imported is there before it begins. Beside that it differs in three things: it
is in no session of the terminal's, whoever started it is not its parent, and all of a kind have one seed of Python's
hashes. A test of one of these, or of what is imported and when, starts a process itself; one whose environment an
import might read gets none from here. `python fork_server.py KIND FOLDER` is the process that forks: it computes
nothing itself, because what TensorFlow starts for its first sum does not outlive a fork.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import IO, Any, BinaryIO

from tinyproof.backend import BACKEND, SETTINGS, UNUSED, load_keras
from tinyproof.environment import run_module
from tinyproof.export.conversion import process
from tinyproof.host import emulators
from tinyproof.search_path import ours_first

SOCKET, LOADED = "socket", "loaded.json"  # in a server's folder; the second: its kind, and what it read when it loaded
LONGEST_WORDS = 1 << 20
COMMAND = "tinyproof"
# What the commands and their libraries read whenever they need it, and pytest's own: all else an import may have read.
READ_LATER = (
    *("HOME", "PATH", "PYTEST_CURRENT_TEST", "TEMP", "TINYPROOF_", "TMP", "XDG_", "ZIG_"),
    # Of TensorFlow and Keras, which set some when a test imports them; no command has them before it begins.
    *("ENABLE_RUNTIME_UPTIME_TELEMETRY", "HDF5_PLUGIN_PATH", "KERAS_", "TF", "TPU_"),
)
STOREYS = ("export", "firmware", "host", "training")
# What commands import once they run.
USUAL = (
    *("tinyproof.export.stage", "tinyproof.export.describe", "tinyproof.firmware.stage", "tinyproof.host.stage"),
    *("tinyproof.host.doctor", "tinyproof.host.predict", "tinyproof.host.proof.stage", "tinyproof.host.report.page"),
    *("tinyproof.training.lab.stage", "tinyproof.training.play.stage"),
    *("ai_edge_litert.interpreter", "tflite_micro.python.tflite_micro.runtime"),
)
DEVICES = tuple(f"tinyproof.host.{name}_device" for name in ("esp32c3", "interpreter", "nrf52840", "unicorn"))


def load_commands() -> None:
    for storey in STOREYS:
        package = f"tinyproof.{storey}.commands"
        for found in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(found.name)
    for name in (*USUAL, *DEVICES):
        with contextlib.suppress(ImportError):  # no TFLM or no Unicorn for this machine
            import_module(name)
    assert not {"h5py", "keras", "tensorflow"} & set(sys.modules), "what conversions alone are to load"


def load_conversions() -> None:
    load_keras()
    assert not set(UNUSED) & set(sys.modules), "Keras has loaded what nobody uses here"


def read_by_commands(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(READ_LATER)}


def read_by_keras(environment: Mapping[str, str]) -> dict[str, str]:
    settings = {**SETTINGS, **environment, **BACKEND}
    return {name: value for name, value in settings.items() if name.startswith(("TF_", "KERAS_", "OMP_", "XLA_"))}


@dataclass(frozen=True)
class Kind:
    """Processes that import the same. `load` does, and `read` is what that reads of an environment."""

    load: Callable[[], None]
    read: Callable[[Mapping[str, str]], dict[str, str]]
    ends_whole: bool  # as Python ends; without that TensorFlow's end is spared


KINDS = {
    "conversions": Kind(load_conversions, read_by_keras, ends_whole=False),
    "commands": Kind(load_commands, read_by_commands, ends_whole=True),  # and devices
}


class ForkServer:
    """The process that forks those of a kind, with this environment; it is reached in the folder `place`.

    `more` are further arguments of it.
    """

    def __init__(self, kind: str, environment: Mapping[str, str], *more: Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.place = Path(self._folder.name)
        self._command = [sys.executable, __file__, kind, str(self.place), *map(str, more)]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Load, unless that was done, or what an import starts may not outlive a fork."""
        if self._process is None and sys.platform == "linux":
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._process = subprocess.Popen(self._command, env=self._environment, start_new_session=True, **pipes)
            assert self._process.stdout is not None and self._process.stdout.readline() == b"loaded\n"

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()  # the end of its input is its own
        self._folder.cleanup()


def start_forked(
    place: Path, words: Sequence[str], here: Path | str, environment: Mapping[str, str], *descriptors: int
) -> ForkedProcess | None:
    """Begin a process of the server in the folder `place`: the module and its arguments, with this folder, environment,
    and input, output and errors. None where no server is, or the environment asks for other imports."""
    if not (place / LOADED).exists():
        return None
    kind, loaded = json.loads((place / LOADED).read_text())
    if KINDS[kind].read(environment) != loaded:
        return None
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(place / SOCKET))
    job = json.dumps({"words": words, "here": str(here), "environment": dict(environment)})
    socket.send_fds(connection, [job.encode() + b"\n"], descriptors)
    return ForkedProcess(connection)


def conversions_from(place: Path, begin: Callable[[], None] = lambda: None) -> None:
    """Let the tool in this process begin its conversions at the server in that folder."""
    own = process.start

    def start(folder: Path, output: IO[bytes], environment: dict[str, str]) -> Any:
        begin()
        words = ["tinyproof.export.conversion.child", str(folder)]
        with open(os.devnull, "rb") as nothing:
            descriptors = (nothing.fileno(), output.fileno(), output.fileno())
            begun = start_forked(place, words, os.getcwd(), environment, *descriptors)
        return begun or own(folder, output, environment)

    process.start = start


def devices_from(place: Path, begin: Callable[[], None] = lambda: None) -> None:
    """The same for emulators that are modules of ours."""
    own = emulators._start

    def start(command: Sequence[str], line: int, messages: BinaryIO) -> Any:
        words = list(command)[len(run_module("")) - 1 :]
        ours = words and words[0] in DEVICES and list(command) == run_module(words[0]) + words[1:]
        if not ours or line == subprocess.PIPE:
            return own(command, line, messages)
        begin()
        begun = start_forked(place, words, os.getcwd(), os.environ, line, line, messages.fileno())
        return begun or own(command, line, messages)

    emulators._start = start


class ForkedProcess:
    """What of subprocess.Popen the tool uses, for a process that the server waits for."""

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile("rb")
        self._connection = connection
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and self._has_ended(0):
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(int(self._answers.readline()))
            self._answers.close()
            self._connection.close()
        return self.returncode

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _has_ended(self, timeout: float | None) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            return bool(selector.select(timeout))


def run_forked(
    place: Path, words: Sequence[str], here: Path, environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """A whole process of `tinyproof words...` as `subprocess.run` has it, its output captured as text."""
    command = [sys.executable, "-m", COMMAND, *words]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = start_forked(place, command[2:], here, environment, 0, output.fileno(), errors.fileno())
        if begun is None:
            return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=timeout)
        try:
            status = begun.wait(timeout)
        except BaseException:
            begun.kill()
            raise
        return subprocess.CompletedProcess(command, status, *map(text_of, (output, errors)))


def text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n").replace("\r", "\n")


def serve(folder: Path, loaded: str) -> tuple[dict[str, Any], list[int]] | None:
    """Fork a process for every connection and tell its status, until the input ends: then end those that still run.

    In such a process: what it is to do, and its input, output and errors.
    """
    ended, of_signals = os.pipe()
    os.set_blocking(of_signals, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(of_signals)
    running: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as selector:
        listening.bind(str(folder / SOCKET))
        listening.listen()
        (folder / LOADED).write_text(loaded)
        print("loaded", flush=True)
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
                words, descriptors, *_ = socket.recv_fds(connection, LONGEST_WORDS, 3)
                while not words.endswith(b"\n"):
                    words += connection.recv(LONGEST_WORDS)
                running[pid := os.fork()] = connection
                if not pid:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for other in running.values():
                        other.close()
                    return json.loads(words), descriptors
                for descriptor in descriptors:
                    os.close(descriptor)
                connection.sendall(b"%d\n" % pid)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    return None


def tell_the_ended(running: dict[int, socket.socket]) -> None:
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as connection, contextlib.suppress(OSError):
                connection.sendall(b"%d\n" % status)


def become(job: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Have the surroundings of the process that is asked for."""
    os.setsid()
    for descriptor, source in enumerate(descriptors):
        os.dup2(source, descriptor)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(job["environment"])
    tempfile.tempdir = None
    os.chdir(job["here"])
    if job["words"][0] == COMMAND:  # as `python -m` does, and `run_module` does not
        sys.path.insert(0, os.getcwd())
    else:
        ours_first()
    sys.argv = job["words"]


def main(name: str, folder: Path) -> None:
    kind = KINDS[name]
    loaded = json.dumps([name, kind.read(os.environ)])
    kind.load()
    gc.collect()
    gc.freeze()  # what is there already is no concern of what is forked
    if job := serve(folder, loaded):
        become(*job)
        if kind.ends_whole:
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            end_at_once(sys.argv[0])


def end_at_once(module: str) -> None:
    """Run it, without Python's own end, and TensorFlow's."""
    status = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    del sys.path[0]  # the tests' own modules
    if sys.argv[3:]:
        conversions_from(Path(sys.argv[3]))
        devices_from(Path(sys.argv[2]))
    main(sys.argv[1], Path(sys.argv[2]))
