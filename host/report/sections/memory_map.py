"""The arena over the ops: which tensor lies where, and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinyproof.host.record.parts import OpResult
from tinyproof.page import Block, Cell, Mark, Section, details, plane, table

LEVELS = 4  # lines of address
ARENA = "arena"


@dataclass(frozen=True)
class Placed:
    """Bytes of the arena, in use from kernel call `first` to `last`, both included."""

    name: str
    offset: int
    size_bytes: int
    first: int
    last: int
    is_scratch: bool


def add_memory_map(section: Section, ops: Sequence[OpResult], arena_bytes: int) -> None:
    """Draw the map, say which call needs the most, and give the same as a table. Nothing for an unknown arena."""
    placed, calls = _placed(ops), [op.name for op in ops for _ in op.kernels]
    if not placed or not arena_bytes:
        return
    section.sub("The arena over the ops")
    used = [_bytes_in_use([p for p in placed if p.first <= call <= p.last]) for call in range(len(calls))]
    fullest = used.index(max(used))
    caption = (
        f"{calls[fullest]} needs the most: {used[fullest]:,} bytes are in use while it runs, in an arena of "
        f"{arena_bytes:,}. Scratch is grey. Where blocks overlap, an output overwrites what its op has read already. "
        "Input and output of the model lie outside."
    )
    blocks = [
        Block(
            left=p.first,
            right=p.last + 1,
            bottom=p.offset,
            top=p.offset + p.size_bytes,
            label=p.name,
            title=f"{p.name}: {p.size_bytes:,} bytes at {p.offset:,}, {_lifetime(p, calls)}",
            tone=0 if p.is_scratch else 1 + order % 3,
        )
        for order, p in enumerate(placed)
    ]
    section.add(
        plane(
            blocks,
            width=len(calls),
            height=arena_bytes,
            alt=f"{len(placed)} blocks of memory over {len(calls)} kernel calls; the table below says the same.",
            columns=[str(op.ops[0]) for op in ops for _ in op.kernels],
            levels=[Mark(arena_bytes * i / LEVELS, f"{arena_bytes * i // LEVELS:,}") for i in range(LEVELS + 1)],
            axes=("kernel calls of an inference, by the number of the op", "address in the arena, bytes"),
            caption=caption,
        )
    )
    rows: list[list[Cell]] = [[p.name, p.offset, p.size_bytes, _lifetime(p, calls)] for p in placed]
    section.add(details("The map as a table", table(["tensor", "at byte", "bytes", "needed"], rows, "Where each lies")))


def _placed(ops: Sequence[OpResult]) -> list[Placed]:
    found = []
    call = 0
    for op in ops:
        if op.place == ARENA:
            name = f"output of {op.name}"
            found.append(Placed(name, op.offset, op.size_bytes, op.needed_from, op.needed_to, False))
        if op.scratch_bytes:
            last = call + len(op.kernels) - 1
            found.append(Placed(f"scratch of {op.name}", op.scratch_offset, op.scratch_bytes, call, last, True))
        call += len(op.kernels)
    return found


def _bytes_in_use(placed: Sequence[Placed]) -> int:
    """Bytes that lie in any of them."""
    total = end = 0
    for p in sorted(placed, key=lambda p: p.offset):
        total += max(p.offset + p.size_bytes - max(p.offset, end), 0)
        end = max(end, p.offset + p.size_bytes)
    return total


def _lifetime(placed: Placed, calls: Sequence[str]) -> str:
    first, last = calls[placed.first], calls[placed.last]
    return f"in {first}" if first == last else f"from {first} to {last}"
