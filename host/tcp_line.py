"""A process's standard input and output as a TCP port of this machine: the line of emulated boards where there are no
pseudo-terminals (Windows), and wherever a device has to be reached through `socket://`.

One client at a time. What the process writes while nobody is connected is dropped, as on a cable nobody listens to.
"""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import cast

CHUNK_BYTES = 1 << 16


@contextlib.contextmanager
def serve(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """The port, as a pyserial URL, of a process started with pipes; served for as long as the context.

    At its end the process's standard input is closed, which a firmware takes as its line being unplugged.
    """
    assert process.stdin and process.stdout
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = _Line(process, listener)
        threads = [threading.Thread(target=work, daemon=True) for work in (line.accept, line.forward)]
        for thread in threads:
            thread.start()
        try:
            host, port = listener.getsockname()
            yield f"socket://{host}:{port}"
        finally:
            line.close()


class _Line:
    def __init__(self, process: subprocess.Popen[bytes], listener: socket.socket) -> None:
        assert process.stdin and process.stdout
        self._input, self._output = process.stdin, cast(io.BufferedReader, process.stdout)
        self._listener = listener
        self._client: socket.socket | None = None

    def accept(self) -> None:
        """Client after client: what each sends goes to the process."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # the context has ended
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            with client, contextlib.suppress(OSError, ValueError):  # either side gone
                while data := client.recv(CHUNK_BYTES):
                    self._input.write(data)
                    self._input.flush()
            self._client = None

    def forward(self) -> None:
        """What the process writes goes to the client; when the process ends, the client sees its line close."""
        while data := self._output.read1(CHUNK_BYTES):
            if client := self._client:
                with contextlib.suppress(OSError):
                    client.sendall(data)
        self._hang_up()

    def close(self) -> None:
        """End both threads' work."""
        self._listener.close()
        self._hang_up()
        with contextlib.suppress(OSError):
            self._input.close()

    def _hang_up(self) -> None:
        if client := self._client:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
