"""How long the core waits for the flash of a chip: its caches and its prefetch, on the exact trace of an inference.

`host.bench.cycles` reports in order which code is entered and which constants are read. Left out: that a fetch and a
read can want the flash at once, that the core fetches some words ahead of a branch, other buses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinyproof.host.bench.chips import Chip, Port
from tinyproof.host.bench.cortex_m4 import Instruction, straight_cycles
from tinyproof.host.bench.image import stretch

CODE_END = 0x2000_0000  # below it is the region for code and constants (Armv7-M memory map)

Units = tuple[tuple[int, int], ...]  # of a stretch of code: each unit, that is what one read gives, and cycles in it


class Flash:
    """The flash of a chip while it runs. waited: how many cycles the core has stood still for it."""

    def __init__(self, chip: Chip) -> None:
        self.waited = 0
        self._code, self._data = chip.code, chip.data
        self._fetched, self._read = _Lines(chip.code), _Lines(chip.data)
        self._ahead = -1  # the unit that is read ahead
        self._elapsed = 0  # cycles since that began
        self._latest = -1  # the unit of constants that was read last

    def fetch(self, code: Units) -> None:
        """The core executes a stretch of code."""
        for unit, cycles in code:
            if not self._fetched.has(unit):
                early = self._elapsed if unit == self._ahead else 0
                self.waited += max(0, self._code.wait_states - early)
                self._fetched.take(unit)
            if self._code.prefetch and unit + 1 != self._ahead:
                self._ahead, self._elapsed = unit + 1, 0
            self._elapsed += cycles

    def read(self, address: int, size: int) -> None:
        """The core reads constants: at most a word."""
        first, last = address // self._data.read_bytes, (address + size - 1) // self._data.read_bytes
        if not self._data.cache:
            self.waited += (last - first + 1) * self._data.wait_states
            return
        if first == last == self._latest:
            return
        self._latest = last
        for unit in range(first, last + 1):
            if not self._read.has(unit):
                self.waited += self._data.wait_states
                self._read.take(unit)


class _Lines:
    """The lines that a port's cache holds, each with a bit for every unit that was read into it. Units and lines are
    counted from address 0; in a set, the line used last stands last.
    """

    def __init__(self, port: Port) -> None:
        cache = port.cache
        self._per_line = cache.line_bytes // port.read_bytes if cache else 1
        self._ways = cache.ways if cache else 0
        self._sets: list[dict[int, int]] = [{} for _ in range(cache.lines // cache.ways if cache else 1)]

    def has(self, unit: int) -> bool:
        """Whether a unit is there; its line has now been used."""
        line, place = divmod(unit, self._per_line)
        lines = self._sets[line % len(self._sets)]
        bits = lines.pop(line, 0)
        if bits:
            lines[line] = bits
        return bool(bits >> place & 1)

    def take(self, unit: int) -> None:
        """A unit was read from the flash."""
        line, place = divmod(unit, self._per_line)
        lines = self._sets[line % len(self._sets)]
        lines[line] = lines.pop(line, 0) | 1 << place
        if len(lines) > self._ways:
            del lines[next(iter(lines))]


def units(instructions: Sequence[Instruction], unit_bytes: int) -> Units:
    """Of a stretch of code. An instruction across two units counts for the second."""
    found: dict[int, list[Instruction]] = {}
    for instruction in instructions:
        found.setdefault(instruction.address // unit_bytes, [])
        found.setdefault((instruction.address + instruction.size - 1) // unit_bytes, []).append(instruction)
    return tuple((unit, straight_cycles(inside)) for unit, inside in found.items())


class Watch:
    """Several chips that run the same code."""

    def __init__(self, chips: Sequence[Chip], code: Mapping[int, Instruction]) -> None:
        self._flashes = {chip.name: Flash(chip) for chip in chips}
        self._units = [chip.code.read_bytes for chip in chips]
        self._code = code
        self._stretches: dict[tuple[int, int], list[tuple[Flash, Units]]] = {}

    @property
    def waited(self) -> dict[str, int]:
        """Cycles that each chip's core has stood still, by the chip's name."""
        return {name: flash.waited for name, flash in self._flashes.items()}

    def enter(self, address: int, size: int) -> None:
        """All of them execute the code there."""
        key = address, size
        if key not in self._stretches:
            code = stretch(self._code, address, size)
            each = zip(self._flashes.values(), self._units, strict=True)
            self._stretches[key] = [(flash, units(code, unit_bytes)) for flash, unit_bytes in each]
        for flash, code_units in self._stretches[key]:
            flash.fetch(code_units)

    def read(self, address: int, size: int) -> None:
        """All of them read memory."""
        if address < CODE_END:
            for flash in self._flashes.values():
                flash.read(address, size)
