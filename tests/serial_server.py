"""A serial port on another machine: a small RFC 2217 server, or a bare socket, in front of a real port.

Made of pyserial's own server side (`serial.rfc2217.PortManager`), as its example server is.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import serial
import serial.rfc2217


@dataclass
class Server:
    """Where it listens, and what clients set on the port's control lines."""

    port: int
    control: dict[str, bool] = field(default_factory=dict)
    clients: int = 0


class RecordedPort(serial.Serial):
    """A port that remembers DTR and RTS; a pseudo-terminal has no control lines."""

    control: dict[str, bool]
    cts = dsr = ri = cd = False

    def _update_dtr_state(self):
        self.control["dtr"] = self._dtr_state

    def _update_rts_state(self):
        self.control["rts"] = self._rts_state


@contextlib.contextmanager
def serve(device: str, telnet: bool, cut_after: int | None = None) -> Iterator[Server]:
    """Serve `device` to one client after the other: by RFC 2217 if `telnet`, else byte by byte.

    The first client is hung up on after `cut_after` bytes of it.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1])
    port = RecordedPort(baudrate=115200, timeout=0.02)
    port.control = server.control
    port.port = device
    port.open()
    ending = threading.Event()

    def accept() -> None:
        while not ending.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.clients += 1
            _attend(client, port, telnet, ending, cut_after if server.clients == 1 else None)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        ending.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        port.close()


def _attend(
    client: socket.socket, port: serial.Serial, telnet: bool, ending: threading.Event, limit: int | None
) -> None:
    """Move bytes both ways until the client leaves, or has sent `limit` of them."""
    received = 0
    lock = threading.Lock()
    gone = threading.Event()

    class Connection:
        def write(self, data: bytes) -> None:
            with lock:
                client.sendall(data)

    manager = serial.rfc2217.PortManager(port, Connection()) if telnet else None

    def to_client() -> None:
        while not gone.is_set() and not ending.is_set():
            if data := port.read(port.in_waiting or 1):
                with contextlib.suppress(OSError), lock:
                    client.sendall(b"".join(manager.escape(data)) if manager else data)

    thread = threading.Thread(target=to_client, daemon=True)
    thread.start()
    client.settimeout(0.1)
    while not ending.is_set():
        try:
            data = client.recv(4096)
        except TimeoutError:
            continue
        except OSError:
            break
        received += len(data)
        if not data or (limit and received > limit):
            break
        port.write(b"".join(manager.filter(data)) if manager else data)
    gone.set()
    thread.join()
    client.close()
