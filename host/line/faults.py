"""What can go wrong on a line, drawn from a seed: the same seed damages the same places of the same bytes.

A schedule works on one direction of a line. It is given the bytes as they pass and returns what is to happen instead:
bytes, pauses and events. It knows nothing of frames, so it hits them anywhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from tinyproof.console import UserError

BYTES_REMEMBERED = 1 << 16  # for replays
NOISE = (
    b"AT\r",  # ModemManager looks for modems
    b"AT+GCAP\r\n",
    b"ATE1 E0\r",
    b"~\x00x\xf0~",
    b"ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n",
    b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x15 (USB_UART_CHIP_RESET),boot:0xc\r\nentry 0x403cc71a\r\n",
    b"Brownout detector was triggered\r\n\r\n",
    bytes(40),
    b"\xff" * 300,
)


class Event(Enum):
    """What happens to more than the bytes of one direction."""

    RESET = "reset"  # the device starts anew
    VANISH = "vanish"  # the port goes away and comes back under another name


# What happens on the line: these bytes, a pause of so many seconds, or an event.
Happening = bytes | float | Event


@dataclass(frozen=True)
class Faults:
    """Which faults, how often, and how long the pauses are. `seed` decides all the rest."""

    seed: int
    kinds: tuple[str, ...]
    every_bytes: int  # mean distance between two faults of one direction
    pause_s: float = 3.0  # the longest stall and the longest absence

    def schedule(self, direction: str) -> Schedule:
        """The schedule of one direction of the line."""
        return Schedule(self, random.Random(f"{self.seed} {direction}"))


@dataclass(frozen=True)
class LineSettings:
    """What a line does to the bytes: the fastest that it carries, in baud (None: no limit, and no pace), and faults."""

    baud: int | None = None
    faults: Faults | None = None

    def __bool__(self) -> bool:
        return self.baud is not None or self.faults is not None


class Schedule:
    """The faults of one direction, applied to its bytes as they pass."""

    def __init__(self, faults: Faults, generator: random.Random) -> None:
        self.counts: dict[str, int] = {}
        self._faults = faults
        self._random = generator
        self._past = bytearray()
        self._held: list[tuple[int, bytes]] = []  # bytes still to pass before the piece does, and the piece
        self._until_next = self._distance()

    def apply(self, data: bytes) -> Iterator[Happening]:
        """What is to happen instead of `data` passing."""
        while data:
            piece, data = data[: self._until_next], data[self._until_next :]
            self._until_next -= len(piece)
            yield from self._pass(piece)
            if self._until_next == 0:
                kind = self._random.choices(self._faults.kinds, [WEIGHTS[kind] for kind in self._faults.kinds])[0]
                self.counts[kind] = self.counts.get(kind, 0) + 1
                self._until_next = self._distance()
                happenings, data = FAULTS[kind](self, data)
                yield from happenings

    def flush(self) -> Iterator[bytes]:
        """The pieces that were held back, when nothing follows that they could come after."""
        held, self._held = self._held, []
        for _, piece in held:
            yield piece

    def absence_s(self) -> float:
        """How long a port that vanishes stays away."""
        return self._random.uniform(0.02, 1) * self._faults.pause_s

    @property
    def holds(self) -> bool:
        """Whether pieces are held back."""
        return bool(self._held)

    def _pass(self, piece: bytes) -> Iterator[bytes]:
        if not piece:
            return
        self._past = (self._past + piece)[-BYTES_REMEMBERED:]
        yield piece
        held, self._held = self._held, []
        for distance, late in held:
            if distance <= len(piece):
                yield late
            else:
                self._held.append((distance - len(piece), late))

    def _distance(self) -> int:
        return 1 + int(self._random.expovariate(1 / self._faults.every_bytes))

    def _size(self) -> int:
        """A few bytes, or up to two frames of a small model."""
        return self._random.choice((1, 2, self._random.randint(1, 30), self._random.randint(1, 2000)))

    def drop(self, data: bytes) -> tuple[list[Happening], bytes]:
        """The next bytes never arrive."""
        return [], data[self._size() :]

    def flip(self, data: bytes) -> tuple[list[Happening], bytes]:
        """Bits of the next bytes change."""
        size = self._random.randint(1, 8)
        return [bytes(byte ^ 1 << self._random.randrange(8) for byte in data[:size])], data[size:]

    def duplicate(self, data: bytes) -> tuple[list[Happening], bytes]:
        """The last bytes come again."""
        return [bytes(self._past[-self._size() :])], data

    def replay(self, data: bytes) -> tuple[list[Happening], bytes]:
        """Bytes of long ago come again."""
        at = self._random.randrange(len(self._past) or 1)
        return [bytes(self._past[at : at + self._size()])], data

    def delay(self, data: bytes) -> tuple[list[Happening], bytes]:
        """Nothing moves for a moment."""
        return [self._random.uniform(0.001, 0.1)], data

    def split(self, data: bytes) -> tuple[list[Happening], bytes]:
        """The next bytes come one by one."""
        size = self._random.randint(2, 20)
        happenings: list[Happening] = []
        for byte in data[:size]:
            happenings += [bytes([byte]), 0.001]
        return happenings, data[size:]

    def reorder(self, data: bytes) -> tuple[list[Happening], bytes]:
        """The next bytes come after those that follow them."""
        size = self._size()
        if data:
            self._held.append((self._size(), data[:size]))
        return [], data[size:]

    def inject(self, data: bytes) -> tuple[list[Happening], bytes]:
        """Bytes that nobody sent."""
        noise = self._random.choice((*NOISE, self._random.randbytes(self._size())))
        return [noise], data

    def stall(self, data: bytes) -> tuple[list[Happening], bytes]:
        """Nothing moves for seconds."""
        return [self._random.uniform(0.1, 1) * self._faults.pause_s], data

    def reset(self, data: bytes) -> tuple[list[Happening], bytes]:
        """The device starts anew."""
        return [Event.RESET], data

    def vanish(self, data: bytes) -> tuple[list[Happening], bytes]:
        """The port goes away and comes back; a board without its own supply starts anew."""
        return [Event.VANISH, *([Event.RESET] if self._random.random() < 0.5 else [])], data


Fault = Callable[[Schedule, bytes], tuple[list[Happening], bytes]]
FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        *(Schedule.drop, Schedule.flip, Schedule.duplicate, Schedule.replay, Schedule.delay, Schedule.split),
        *(Schedule.reorder, Schedule.inject, Schedule.stall, Schedule.reset, Schedule.vanish),
    )
}
RARE = ("stall", "reset", "vanish")
WEIGHTS = {kind: 0.1 if kind in RARE else 1.0 for kind in FAULTS}


def parse_faults(text: str, pause_s: float = 3.0) -> Faults:
    """The faults of `SEED`, `SEED:kind,kind` or `SEED:kind,kind:bytes between faults`.

    A seed alone chooses kinds and distance, too. Raises UserError in one line.
    """
    seed_text, *rest = text.split(":")
    try:
        seed = int(seed_text)
        generator = random.Random(seed)
        kinds = tuple(kind for kind in FAULTS if generator.random() < 0.5) or ("flip",)
        every_bytes = round(10 ** generator.uniform(2.8, 4.5))
        if rest and rest[0]:
            kinds = tuple(rest[0].split(","))
        if rest[1:]:
            every_bytes = int(rest[1])
    except ValueError as error:
        raise UserError(f"faults {text!r}: seed and bytes are whole numbers, e.g. 7:drop,flip:2000") from error
    if unknown := [kind for kind in kinds if kind not in FAULTS]:
        raise UserError(f"faults {text!r}: no fault is called {unknown[0]!r}; there are {', '.join(FAULTS)}")
    if every_bytes < 1 or len(rest) > 2:
        raise UserError(f"faults {text!r}: write a seed, or e.g. 7:drop,flip:2000")
    return Faults(seed, kinds, every_bytes, pause_s)
