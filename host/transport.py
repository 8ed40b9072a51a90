"""The line to a device: any serial port or pyserial URL, opened without disturbing what is at its other end.

A thread reads all the time, so that a device that is sending can never block while we send to it. Knows ports and their
quirks, and nothing about messages.
"""

from __future__ import annotations

import queue
import threading

import serial
from serial.tools import list_ports

from host.console import UserError
from host.framing import Decoder, Frame, encode
from host.ports import wants_dtr

BAUD = 115200


class LineLost(UserError):
    """The port went away: unplugged, or the process behind it ended."""


class Transport:
    """Frames over one open port. Use as a context manager; `receive` and `send` raise LineLost once it is gone."""

    def __init__(self, url: str, baud: int = BAUD) -> None:
        self.url = url
        self._port = open_port(url, baud)
        self._decoder = Decoder()
        self._frames: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()  # None: the line is lost
        self._closing = False
        self._reader = threading.Thread(target=self._read, name=f"read {url}", daemon=True)
        self.bytes_sent = 0
        self.bytes_received = 0
        self._reader.start()

    @property
    def chunks_dropped(self) -> int:
        """Pieces of the byte stream that were no whole, undamaged frame."""
        return self._decoder.dropped

    def send(self, *frames: Frame) -> None:
        """Put the frames on the line; blocks while the line is full."""
        data = b"".join(map(encode, frames))
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise LineLost(f"{self.url}: {error}") from error
        self.bytes_sent += len(data)

    def send_delimiter(self) -> None:
        """A lone zero byte: ends whatever half a frame the receiver may hold."""
        try:
            self._port.write(b"\0")
        except (serial.SerialException, OSError) as error:
            raise LineLost(f"{self.url}: {error}") from error

    def receive(self, timeout_s: float) -> Frame | None:
        """The next frame, or None when none came in time."""
        try:
            frame = self._frames.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if frame is None:
            self._frames.put(None)  # and so for every later call
            raise LineLost(f"{self.url}: the device went away")
        return frame

    def close(self) -> None:
        """Give the port back."""
        self._closing = True
        if hasattr(self._port, "cancel_read"):
            self._port.cancel_read()
        self._reader.join(timeout=1)
        self._port.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read(self) -> None:
        while not self._closing:
            try:
                data = self._port.read(max(1, self._port.in_waiting))
            except (serial.SerialException, OSError, TypeError):
                # TypeError: pyserial's answer to a read while another thread closes the port.
                self._frames.put(None)
                return
            self.bytes_received += len(data)
            for frame in self._decoder.push(data):
                self._frames.put(frame)


def open_port(url: str, baud: int) -> serial.SerialBase:
    """The open port. Raises UserError where there is none, it is taken, or this user may not open it."""
    try:
        port = serial.serial_for_url(url, do_not_open=True)
        port.baudrate = baud
        port.timeout = 0.2
        # On ESP32 boards these lines hold the chip in reset or send it to its bootloader; they must be low *before* the
        # port opens, because opening raises them. On a Nano 33 BLE, DTR tells the chip that somebody listens.
        port.dtr = wants_dtr(url)
        port.rts = False
        port.exclusive = True  # two programs reading one port would each get half of every frame
        port.open()
    except (serial.SerialException, ValueError, OSError) as error:
        known = ", ".join(p.device for p in list_ports.comports()) or "none"
        raise UserError(f"cannot open port {url}: {error}. Ports found: {known}") from error
    return port
