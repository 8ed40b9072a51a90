"""A line between a port of its own and an emulated device: as slow as its baud rate says, as bad as it is told to.

Both directions are paced independently, 10 bits a byte: a byte arrives when its last bit would, however late this
process is scheduled. Two ends that are set to different speeds understand nothing, nor do two that are set to more than
the line carries; a device that sets no speed has none, and its line is as fast as it may be. Faults are those of
host/line/faults.py. A thread moves the bytes; it ends with the context.
"""

from __future__ import annotations

import errno
import math
import os
import pty
import random
import select
import termios
import threading
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

from tinyproof import advice
from tinyproof.host.emulators import Emulator
from tinyproof.host.line.faults import NOISE, Event, Happening, LineSettings, Schedule
from tinyproof.line import BAUD

BITS_PER_BYTE = 10  # a start bit, eight data bits, a stop bit
WAITING_LIMIT = 16384  # bytes the line takes before the sender has to wait, as the buffers of a serial driver
TICK_S = 0.001  # how often a busy line looks at the clock
BAUDS = (115200, 230400, 460800, 921600, 3000000, 4000000)
# Of a pseudo-terminal; it is born with another one.
SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in BAUDS if hasattr(termios, f"B{baud}")}
HELD_S = 0.05  # how long a piece may wait for something to come after
BOOT_TEXT = NOISE[4]


class Line:
    """A line to a device that `start` starts, and starts again where it is reset. Use as a context manager."""

    def __init__(self, start: Callable[[], AbstractContextManager[Emulator]], settings: LineSettings) -> None:
        self.device: Emulator
        self.resets = 0
        self._start = start
        self._settings = settings
        self._running = ExitStack()
        self._ending = threading.Event()
        self._away_until: float | None = None
        self._too_slow = False
        self._random = random.Random(0)
        self._thread = threading.Thread(target=self._serve, name="line", daemon=True)

    def find(self) -> str | None:
        """Where the port is now; None while it is away."""
        return None if self._away_until is not None else self._port

    @property
    def port(self) -> str:
        """The port that leads to the device."""
        return self._port

    @property
    def running(self) -> bool:
        """Whether the line serves, and the device behind it lives."""
        return self._thread.is_alive()

    @property
    def hindrance(self) -> str:
        """What keeps the device from being understood, where both ends are set to more than the line carries."""
        if not self._too_slow:
            return ""
        at_least = advice.setting("throttle", BAUD)
        return f"this device begins at {BAUD} baud and cannot be reached over {self._settings.baud}: give {at_least}"

    def last_words(self) -> str:
        """How the device's process ended."""
        return self.device.last_words()

    @property
    def faults_done(self) -> dict[str, int]:
        """How often each fault happened."""
        counts: dict[str, int] = {}
        for direction in (self._to_device, self._to_host):
            for kind, count in (direction.schedule.counts if direction.schedule else {}).items():
                counts[kind] = counts.get(kind, 0) + count
        return counts

    def __enter__(self) -> Line:
        faults = self._settings.faults
        self._to_device = _Direction(faults.schedule("to device") if faults else None)
        self._to_host = _Direction(faults.schedule("to host") if faults else None)
        self._begin_device()
        self._open_port()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join()
        self._close_port()
        self._end_device()

    def _begin_device(self) -> None:
        self.device = self._running.enter_context(self._start())
        self._device = os.open(self.device.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def _end_device(self) -> None:
        self.device.process.kill()
        os.close(self._device)
        self._running.close()

    def _open_port(self) -> None:
        self._host, self._other_end = pty.openpty()  # the other end stays open: the line outlives any one client
        tty.setraw(self._other_end)
        os.set_blocking(self._host, False)
        self._port = os.ttyname(self._other_end)

    def _close_port(self) -> None:
        os.close(self._host)
        os.close(self._other_end)

    def _serve(self) -> None:
        while not self._ending.is_set():
            now = time.monotonic()
            if self._away_until is not None and now >= self._away_until:
                self._away_until = None
            for direction, target in ((self._to_device, self._device), (self._to_host, self._host)):
                event = direction.move(now, target)
                if event is not None:
                    self._happen(event)
                    break
            else:
                self._take(self._wait())

    def _wait(self) -> set[int]:
        """Sleep until something can move; the descriptors that can be read."""
        masks = {self._host: 0, self._device: 0}
        for direction, source, target in self._ways():
            masks[source] |= select.POLLIN if direction.has_room else 0
            masks[target] |= select.POLLOUT if direction.blocked else 0
        poll = select.poll()
        for descriptor, mask in masks.items():
            if mask:
                poll.register(descriptor, mask)
        pauses = [direction.pause_s(time.monotonic()) for direction in (self._to_device, self._to_host)]
        ready = poll.poll(1000 * min(0.02, *pauses))
        return {descriptor for descriptor, events in ready if events & (select.POLLIN | select.POLLHUP)}

    def _ways(self) -> list[tuple[_Direction, int, int]]:
        return [(self._to_device, self._host, self._device), (self._to_host, self._device, self._host)]

    def _take(self, ready: set[int]) -> None:
        for direction, source, _ in self._ways():
            if source not in ready:
                continue
            try:
                data = os.read(source, WAITING_LIMIT)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if not data and source == self._device:  # the process behind the line ended by itself
                self._hang_up(math.inf)
                self._ending.set()
                return
            if self._away_until is None or source != self._device:
                direction.take(self._carry(direction, source, data), time.monotonic())

    def _carry(self, direction: _Direction, source: int, data: bytes) -> bytes:
        """What arrives of bytes that are sent at the speed which `source` is set to."""
        limit = self._settings.baud
        try:
            to_device, to_host = (SPEEDS.get(termios.tcgetattr(end)[5]) for end in (self._host, self._device))
        except termios.error:  # the device ended; the next reading from it says so
            return data
        speed = to_device if source == self._host else to_host
        if to_host is None or speed is None:  # a line without a speed of its own
            direction.set_pace(limit)
            return data
        direction.set_pace(speed if limit else None)
        understood = to_device == to_host and speed <= (limit or speed)
        self._too_slow = to_device == to_host == BAUD > (limit or BAUD)
        return data if understood else self._random.randbytes(len(data))

    def _happen(self, event: Event) -> None:
        if event is Event.RESET:
            self.resets += 1
            self._end_device()
            self._running = ExitStack()
            self._begin_device()
            self._to_host.take_undamaged(BOOT_TEXT, time.monotonic())
        else:
            self._hang_up(time.monotonic() + self._to_host.absence_s())

    def _hang_up(self, away_until: float) -> None:
        self._away_until = away_until
        before = self._host, self._other_end
        self._open_port()  # before the other is closed, so that it gets another name
        for descriptor in before:
            os.close(descriptor)


class _Direction:
    """The bytes on their way in one direction, and when they may arrive."""

    def __init__(self, schedule: Schedule | None) -> None:
        self.schedule = schedule
        self.blocked = False  # the target takes nothing at the moment
        self._byte_s = 0.0
        self._coming: deque[Happening] = deque()
        self._waiting = 0  # bytes in it
        self._begin = 0.0  # when the first bit of the next byte leaves, or left
        self._taken_at = 0.0

    @property
    def has_room(self) -> bool:
        """Whether more may be taken."""
        return self._waiting < WAITING_LIMIT

    def set_pace(self, baud: int | None) -> None:
        """The speed of what is taken from now on; None: it takes no time."""
        self._byte_s = BITS_PER_BYTE / baud if baud else 0.0

    def take(self, data: bytes, now: float) -> None:
        """Bytes that were sent."""
        self._taken_at = now
        self._append(self.schedule.apply(data) if self.schedule else iter([data]), now)

    def take_undamaged(self, data: bytes, now: float) -> None:
        """Bytes of the line itself."""
        self._append(iter([data]), now)

    def _append(self, happenings: Iterator[Happening], now: float) -> None:
        if not self._coming:
            self._begin = max(self._begin, now)
        for happening in happenings:
            self._coming.append(happening)
            self._waiting += len(happening) if isinstance(happening, bytes) else 0

    def absence_s(self) -> float:
        """How long a port that vanishes stays away."""
        assert self.schedule is not None
        return self.schedule.absence_s()

    def move(self, now: float, target: int) -> Event | None:
        """Let arrive what has arrived by `now`; stops at an event and returns it."""
        if self.schedule is not None and self.schedule.holds and now - self._taken_at > HELD_S:
            self._append(self.schedule.flush(), now)
        self.blocked = False
        while self._coming and self._begin <= now:
            head = self._coming[0]
            if isinstance(head, Event):
                self._coming.popleft()
                return head
            if isinstance(head, float):
                self._begin = head + (self._begin if self._byte_s else now)
                self._coming.popleft()
                continue
            count = min(len(head), int((now - self._begin) / self._byte_s)) if self._byte_s else len(head)
            if head and count == 0:
                break
            try:
                count = os.write(target, head[:count])
            except BlockingIOError:
                self.blocked = True
                self._begin = now  # the line waits with it
                break
            except OSError:  # the device ended; reading from it says so
                count = len(head)
            self._begin = self._begin + count * self._byte_s if self._byte_s else self._begin
            self._waiting -= count
            if count == len(head):
                self._coming.popleft()
            else:
                self._coming[0] = head[count:]
        return None

    def pause_s(self, now: float) -> float:
        """How long nothing will happen here by itself."""
        if self.schedule is not None and self.schedule.holds:
            return HELD_S
        if not self._coming or self.blocked:
            return 1.0
        return max(TICK_S, self._begin - now)
