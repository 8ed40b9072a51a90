"""The Cortex-M4F chips on which the bench models an inference, beside memory without wait states.

STM32L4R5: ST RM0432, chapter on the embedded flash: read access latency (5 wait states at 120 MHz), ART accelerator
(prefetch; caches of 32 and 8 lines of four reads, the least recently used goes; in dual bank mode, as the chip is
delivered, a read gives 64 bits). The firmware images that MLPerf Tiny v1.2 publishes for the NUCLEO-L4R5ZI set
FLASH_ACR to 0x705: 5 wait states, prefetch, both caches. Of a read of constants one of the five is taken to pass within
the load: of two such images that differ in whether 270 KB of weights lie in flash or RAM the one takes 3.9 cycles
longer for each 64 bits of them.

nRF52840: Nordic's Product Specification, chapters CPU (wait states of the flash: 2, and 3 where a fetch missed the
cache) and NVMC (the cache is on the bus for code, a hit costs nothing; data has none). The size of the cache is not
published; assumed: 2 KiB, two ways, lines of 16 bytes, each filled by one read, and that the firmware switches it on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cache:
    """`lines` of `line_bytes` in sets of `ways`. Of a set the least recently used line goes."""

    lines: int
    line_bytes: int
    ways: int


@dataclass(frozen=True)
class Port:
    """One of the core's two ways to the flash. read_bytes: aligned, what one read gives, which takes `wait_states` more
    than a cycle. A line of the cache is filled read by read. prefetch: what follows is read ahead.
    """

    read_bytes: int
    wait_states: int
    cache: Cache | None = None
    prefetch: bool = False


@dataclass(frozen=True)
class Chip:
    """A clock, and the flash as seen by fetches of code and by reads of constants."""

    name: str
    clock_hz: int
    code: Port
    data: Port

    @property
    def title(self) -> str:
        """Name and clock."""
        return f"{self.name} at {self.clock_hz // 1_000_000} MHz"


NRF52840 = Chip(
    name="nRF52840",
    clock_hz=64_000_000,
    code=Port(read_bytes=16, wait_states=3, cache=Cache(lines=128, line_bytes=16, ways=2)),
    data=Port(read_bytes=4, wait_states=2),
)
STM32L4R5 = Chip(
    name="STM32L4R5",
    clock_hz=120_000_000,
    code=Port(read_bytes=8, wait_states=5, cache=Cache(lines=32, line_bytes=32, ways=32), prefetch=True),
    data=Port(read_bytes=8, wait_states=4, cache=Cache(lines=8, line_bytes=32, ways=8)),
)
CHIPS = (NRF52840, STM32L4R5)
