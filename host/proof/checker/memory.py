"""The memory of the compiled model as labels, byte by byte, and which overlaps a kernel's order allows."""

from __future__ import annotations

import numpy as np

from .arithmetic import Ints
from .c_source import Pointer, Source
from .findings import require
from .golden import CONSTANT

GARBAGE = -1


class Memory:
    """What every byte of the arena, the inputs, the outputs and the constants holds."""

    def __init__(self, source: Source, inputs: Ints, output_bytes: int) -> None:
        self._source = source
        self._labels = {
            "arena": np.full(source.arena_bytes, GARBAGE),
            "input": inputs.copy(),
            "output": np.full(output_bytes, GARBAGE),
        }

    def read(self, at: Pointer, count: int, where: str) -> Ints:
        """The labels of so many bytes. Refused outside of what is there."""
        if at.base in self._source.tables:
            require(self._source.widths[at.base] == 1, f"{where}: {at.base} is no table of bytes")
            labels = CONSTANT + self._source.tables[at.base]
        else:
            labels = self._labels[at.base]
        require(at.offset + count <= labels.size, f"{where}: it reaches beyond the end of {at.base}")
        return labels[at.offset : at.offset + count].copy()

    def write(self, at: Pointer, labels: Ints, where: str) -> None:
        """Put labels there."""
        require(at.base in ("arena", "output"), f"{where}: it writes to {at.base}")
        self.read(at, labels.size, where)
        self._labels[at.base][at.offset : at.offset + labels.size] = labels

    def spoil(self, at: Pointer, count: int, where: str) -> None:
        """What a kernel takes for itself: numbers of 32 bits, so it begins at a multiple of 4."""
        require(at.base == "arena" and at.offset % 4 == 0, f"{where}: its scratch is not aligned in the arena")
        self.write(at, np.full(count, GARBAGE), where)


def overlap(a: Pointer, a_bytes: int, b: Pointer, b_bytes: int) -> bool:
    """Whether two places share a byte."""
    return a.base == b.base and a.offset < b.offset + b_bytes and b.offset < a.offset + a_bytes


def check_forward(y: Pointer, x: Pointer, indexes: Ints, where: str) -> None:
    """Lemma "order", element by element: byte k of y is written after byte indexes[k] of x was read, and no later one
    of x lies there.
    """
    if not overlap(y, indexes.size, x, int(indexes.max()) + 1):
        return
    first_later = np.minimum.accumulate((x.offset + indexes)[::-1])[::-1][1:]
    clear = np.all(first_later > y.offset + np.arange(indexes.size - 1))
    require(bool(clear), f"{where}: its output overwrites what it still reads")


def check_apart(places: list[tuple[Pointer, int]], where: str) -> None:
    """Refuse places of one call that share a byte."""
    for k, (a, a_bytes) in enumerate(places):
        for b, b_bytes in places[:k]:
            require(not overlap(a, a_bytes, b, b_bytes), f"{where}: its buffers overlap at {a.base} + {a.offset}")
