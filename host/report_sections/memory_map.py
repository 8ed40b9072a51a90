"""The arena over the ops: which tensor lives where, and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from host.page import Block, Cell, Mark, Section, details, plane, table

LEVELS = 4  # lines of address


@dataclass(frozen=True)
class Placed:
    """Bytes of the arena, in use from step `first` to step `last`, both included."""

    name: str
    offset: int
    size_bytes: int
    first: int
    last: int
    is_scratch: bool


def add_memory_map(section: Section, placed: Sequence[Placed], steps: Sequence[str], arena_bytes: int) -> None:
    """Draw the map, say which step decides the arena's size, and give the same as a table."""
    used = [_bytes_in_use([p for p in placed if p.first <= step <= p.last]) for step in range(len(steps))]
    fullest = used.index(max(used))
    caption = (
        f"Step {steps[fullest]} needs the most: {used[fullest]:,} bytes are in use while it runs, in an arena of "
        f"{arena_bytes:,}. Where blocks overlap, an output overwrites what its op has already read of the input. Input "
        "and output of the model lie in the caller's memory and are not part of it."
    )
    blocks = [
        Block(
            left=p.first,
            right=p.last + 1,
            bottom=p.offset,
            top=p.offset + p.size_bytes,
            label=p.name,
            title=f"{p.name}: {p.size_bytes:,} bytes at {p.offset:,}, {_lifetime(p, steps)}",
            tone=0 if p.is_scratch else 1 + order % 3,
        )
        for order, p in enumerate(placed)
    ]
    section.add(
        plane(
            blocks,
            width=len(steps),
            height=arena_bytes,
            alt=f"{len(placed)} blocks of memory over {len(steps)} steps; the table below says the same.",
            columns=[step.split()[0] for step in steps],
            levels=_levels(arena_bytes),
            axes=("steps of the inference, by the number of the op", "address in the arena, bytes"),
            caption=caption,
        )
    )
    rows: list[list[Cell]] = [[p.name, p.offset, p.size_bytes, _lifetime(p, steps)] for p in placed]
    listed = table(["tensor", "at byte", "bytes", "needed"], rows, caption="Where every tensor lies")
    section.add(details("The map as a table", listed))


def _bytes_in_use(placed: Sequence[Placed]) -> int:
    """Bytes that lie in any of them."""
    total = end = 0
    for p in sorted(placed, key=lambda p: p.offset):
        total += max(p.offset + p.size_bytes - max(p.offset, end), 0)
        end = max(end, p.offset + p.size_bytes)
    return total


def _lifetime(placed: Placed, steps: Sequence[str]) -> str:
    first, last = steps[placed.first], steps[placed.last]
    return f"in {first}" if first == last else f"from {first} to {last}"


def _levels(arena_bytes: int) -> list[Mark]:
    return [Mark(arena_bytes * i / LEVELS, f"{arena_bytes * i // LEVELS:,}") for i in range(LEVELS + 1)]
