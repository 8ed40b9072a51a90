"""The line to a device: any serial port or pyserial URL, opened without disturbing what is at its other end.

A thread reads all the time, so that a device that is sending can never block while we send to it; what nobody takes is
dropped, so a device that never stops sending costs bounded memory. Knows ports, their quirks and how to find one again
that came back under another name; knows nothing about messages.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from tinyproof import advice
from tinyproof.console import UserError
from tinyproof.framing import Decoder, Frame, Session, encode
from tinyproof.host.ports import find_again, may_open, named_port, wants_dtr
from tinyproof.line import BAUD

FRAMES_WAITING = 4096  # received and not yet taken; more are dropped, as if the line had lost them
BEGUN_BYTES = 512
WRITE_TIMEOUT_S = 20.0
SEARCH_INTERVAL_S = 0.05

# Where the port is now: its URL, or None while it is away.
Find = Callable[[], str | None]


class LineLost(UserError):
    """The line does not carry on: unplugged, its process ended, the device was reset or fell silent.

    What was answered before stays true. `Device.reconnect` finds the device again.
    """


class NotBack(LineLost):
    """It went away and did not come back within a time; `reason` is what was found instead of it."""

    def __init__(self, url: str, timeout_s: float, reason: str) -> None:
        super().__init__(f"{url}: the device went away and was not back in {timeout_s:g} s: {reason}")
        self.url, self.reason = url, reason


class Transport:
    """Frames over one open port. Use as a context manager; `receive` and `send` raise LineLost once it is gone.

    `find` tells where the port is when it comes back; without it, USB does. `dtr`: raise that line, whatever USB says.
    """

    def __init__(self, url: str, baud: int = BAUD, find: Find | None = None, dtr: bool = False) -> None:
        self.url = url
        self._dtr = dtr
        self.session = Session()
        self.bytes_sent = 0
        self.bytes_received = 0
        self.begun = b""  # the first bytes that came, to say what they look like
        before = named_port(url)
        self._find = find or (lambda: find_again(before))
        self.baud = baud
        self._dropped = 0
        self._open()

    @property
    def chunks_dropped(self) -> int:
        """Pieces of the byte stream that were no whole, undamaged frame of this session."""
        return self._dropped + self._decoder.dropped

    @property
    def lost(self) -> bool:
        """Whether the port went away; `reopen` looks for it."""
        return self._lost.is_set()

    def begin_session(self, number: int) -> None:
        """Frames with a sequence number belong to this session from now on."""
        self.session = self._decoder.session = Session(number)

    def send(self, *frames: Frame) -> None:
        """Put the frames on the line; blocks while the line is full."""
        for frame in frames:
            self.session.used(frame.sequence)
        self._write(b"".join(encode(frame, self.session.number) for frame in frames))

    def send_delimiters(self, count: int = 1) -> None:
        """Lone zero bytes: the first ends whatever half a frame the receiver may hold."""
        self._write(bytes(count))

    def receive(self, timeout_s: float) -> Frame | None:
        """The next frame, or None when none came in time."""
        try:
            frame = self._frames.get(timeout=timeout_s) if timeout_s > 0 else self._frames.get_nowait()
        except queue.Empty:
            frame = None
        if frame is None and self._lost.is_set() and self._frames.empty():
            raise LineLost(f"{self.url}: the device went away")
        return frame

    def set_baud(self, baud: int) -> None:
        """Change the speed of the open port; what was sent has to have left."""
        self.baud = baud
        try:
            self._port.baudrate = baud
        except (serial.SerialException, OSError, ValueError) as error:
            raise LineLost(f"{self.url}: no {baud} baud: {error}") from error

    def reopen(self, timeout_s: float) -> None:
        """Close the port and open it again at the safe speed, under whatever name it has by then.

        Raises NotBack when it is not back in time.
        """
        deadline = time.monotonic() + timeout_s
        self._close()
        reason = "it did not come back"
        while time.monotonic() < deadline:
            if (url := self._find()) is not None:
                self.url = url
                try:
                    self.baud = BAUD
                    self._open()
                    return
                except UserError as error:  # there, and not yet to be opened
                    reason = error.message
            time.sleep(SEARCH_INTERVAL_S)
        raise NotBack(self.url, timeout_s, reason)

    def close(self) -> None:
        """Give the port back."""
        self._close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def _open(self) -> None:
        self._port = open_port(self.url, self.baud, self._dtr)
        self._decoder = Decoder()
        self._decoder.session = self.session
        self._frames: queue.Queue[Frame | None] = queue.Queue(FRAMES_WAITING)  # None: wakes up who waits
        self._lost = threading.Event()
        self._closing = threading.Event()
        arguments = (self._port, self._decoder, self._frames, self._lost, self._closing)
        self._reader = threading.Thread(target=self._read, args=arguments, name=f"read {self.url}", daemon=True)
        self._reader.start()

    def _close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        if hasattr(self._port, "cancel_read"):
            self._port.cancel_read()
        self._reader.join(timeout=1)
        with contextlib.suppress(OSError):  # some systems refuse to close a port that is gone
            self._port.close()
        self._dropped += self._decoder.dropped
        self._decoder.dropped = 0
        self._lost.set()

    def _write(self, data: bytes) -> None:
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise LineLost(f"{self.url}: the device took no bytes for {WRITE_TIMEOUT_S:g} s") from error
        except (serial.SerialException, OSError) as error:
            raise LineLost(f"{self.url}: the device went away") from error
        self.bytes_sent += len(data)

    def _read(
        self,
        port: serial.SerialBase,
        decoder: Decoder,
        frames: queue.Queue[Frame | None],
        lost: threading.Event,
        closing: threading.Event,
    ) -> None:
        """Read one opening of the port to its end; all that belongs to it is passed in, for a later one may begin."""
        while not closing.is_set():
            try:
                data = port.read(max(1, port.in_waiting))
            except (serial.SerialException, OSError, TypeError, MemoryError):
                # TypeError: pyserial's answer to a read while another thread closes the port.
                break
            self.bytes_received += len(data)
            self.begun += data[: BEGUN_BYTES - len(self.begun)]
            for frame in decoder.push(data):
                try:
                    frames.put_nowait(frame)
                except queue.Full:
                    decoder.dropped += 1
        lost.set()
        with contextlib.suppress(queue.Full):
            frames.put_nowait(None)


def open_port(url: str, baud: int, dtr: bool = False) -> serial.SerialBase:
    """The open port, with DTR raised if `dtr` or the board behind it needs it.

    Raises UserError where there is none, it is taken, or this user may not open it.
    """
    try:
        port = serial.serial_for_url(url, do_not_open=True)
        port.baudrate = baud
        port.timeout = 0.2
        if not url.startswith("rfc2217:"):  # it has a limit of its own, 5 s
            port.write_timeout = WRITE_TIMEOUT_S  # a device that never reads must not hold us for ever
        # On ESP32 boards these lines hold the chip in reset or send it to its bootloader; they must be low *before* the
        # port opens, because opening raises them. On a Nano 33 BLE, DTR tells the chip that somebody listens.
        port.dtr = dtr or wants_dtr(url)
        port.rts = False
        port.exclusive = True  # two programs reading one port would each get half of every frame
        port.open()
    except (serial.SerialException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.EBUSY):
            raise UserError(
                f"cannot open port {url}: another program has it open{_who_has(url)}; close it there, or wait for it"
            ) from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
            raise UserError(f"cannot open port {url}: this user may not: {may_open(url)}") from error
        known = ", ".join(p.device for p in list_ports.comports()) or "none"
        raise UserError(
            f"cannot open port {url or '(no name)'}: {_reason(url, error)}. Ports there are: {known}; "
            f"name one of them, or run `{advice.command('doctor')}`"
        ) from error
    return port


def _who_has(device: str) -> str:
    """The programs that have a port open, where the system lets us see them: ` (picocom, process 4711)`."""
    programs = []
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # of another user, or gone
            if descriptor.is_symlink() and os.path.samefile(descriptor, device):
                process = descriptor.parts[2]
                name = Path("/proc", process, "comm").read_text(encoding="utf-8", errors="replace").strip()
                programs.append(f"{name}, process {process}")
    others = [program for program in dict.fromkeys(programs) if not program.endswith(f" {os.getpid()}")]
    return f" ({'; '.join(others)})" if others else ""


def _reason(url: str, error: Exception) -> str:
    """Why a port was not opened: the system's own words where pyserial passes its number on."""
    address = urlsplit(url)
    if address.scheme in ("socket", "rfc2217") and address.netloc.count(":") == 0:
        return f"host and port are missing, as in {address.scheme}://host:port"
    said = " ".join(str(error).split()).removeprefix(f"Could not open port {url}: ")
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    if "Could not configure port" in said:  # any other file or device
        return "it is no serial port"
    if address.scheme in ("socket", "rfc2217"):
        return re.sub(r"^\[Errno -?\d+\] ", "", said) if "debug|info" not in said else "host and port are no address"
    if address.scheme and "://" in url:
        return f"{said}; known are socket://host:port and rfc2217://host:port"
    return said
