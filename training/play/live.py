"""`tinyproof play --live`: the page from a server of this machine that hands pictures to a device and back its answers.

The server listens to this machine alone, under a path that nobody can guess, and refuses requests that another site's
page sends. One inference at a time.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from tinyproof.boards import Board
from tinyproof.console import UserError
from tinyproof.host.connection import connect
from tinyproof.host.device import Device, Inference
from tinyproof.host.station import check_identity
from tinyproof.manifest import load_manifest
from tinyproof.protocol import HelloReply

ADDRESS = "127.0.0.1"


def new_path() -> str:
    """A path that nobody can guess, without the slash at its end."""
    return f"/{secrets.token_urlsafe(12)}"


@contextmanager
def serving(model: Path, board: Board, port: str | None, page: str, path: str) -> Iterator[str]:
    """A server of the page with the device behind it; yields its address. UserError where the device is not right."""
    with connect(model, board, port) as device:
        hello = device.hello()
        check_identity(hello, load_manifest(model), port or board.name)
        server = _Server(device, hello, page, path)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{server.address}{path}/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Server(ThreadingHTTPServer):
    """The page, who the device is, and its answers, below `path`."""

    daemon_threads = True

    def __init__(self, device: Device, hello: HelloReply, page: str, path: str) -> None:
        super().__init__((ADDRESS, 0), _Handler)
        self.device, self.hello, self.page, self.path = device, hello, page, path
        self.address = f"{ADDRESS}:{self.server_port}"
        self._one_at_a_time = threading.Lock()

    def infer(self, data: bytes) -> Inference:
        """What the device answers. UserError where it does not."""
        with self._one_at_a_time:
            (answer,) = self.device.infer([data], self.hello)
            return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one packet, and
    disable_nagle_algorithm = True  # at once: else an answer waits 40 ms for the browser's acknowledgement
    server: _Server

    def do_GET(self) -> None:
        """The page, or who the device is."""
        if not self._is_ours():
            return
        if self.path == f"{self.server.path}/":
            self._send(self.server.page.encode(), "text/html; charset=utf-8")
        elif self.path == f"{self.server.path}/device":
            self._send(_json(self.server.hello), "application/json")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        """One inference."""
        if not self._is_ours():
            return
        size = self.server.hello.input_bytes
        if self.path != f"{self.server.path}/infer" or self.headers.get("Content-Length") != str(size):
            self.close_connection = True  # what was sent is not read
            self._refuse(HTTPStatus.BAD_REQUEST, f"an input has {size} bytes")
            return
        try:
            answer = self.server.infer(self.rfile.read(size))
        except UserError as error:
            self._refuse(HTTPStatus.BAD_GATEWAY, error.message)
            return
        output = np.frombuffer(answer.output, np.int8).tolist()
        self._send(json.dumps({"ticks": answer.ticks, "output": output}).encode(), "application/json")

    def _is_ours(self) -> bool:
        """Whether it comes from this very page, and not from one that another site's name was pointed here with."""
        address = self.server.address
        origin = self.headers.get("Origin", f"http://{address}")
        if self.headers.get("Host") == address and origin == f"http://{address}":
            return True
        self.close_connection = True
        self._refuse(HTTPStatus.FORBIDDEN, "this server is for its own page")
        return False

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(reason.encode(), "text/plain; charset=utf-8", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is for the address."""


def _json(hello: HelloReply) -> bytes:
    values = {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(hello).items()}
    return json.dumps(values).encode()
