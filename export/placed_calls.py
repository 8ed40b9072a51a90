"""The calls of a program with the memory that each works on: those of a chain of layers one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tinyproof.export.banding import At, BandsParams
from tinyproof.export.layout import Buffer
from tinyproof.export.ops.kind import Call


@dataclass(frozen=True, eq=False)
class PlacedCall:
    """A call and the buffers of its tensors; of a call on some rows, where these lie, of y and of each x."""

    call: Call
    y_buffer: Buffer
    x_buffers: tuple[Buffer, ...]
    scratch: Buffer | None
    parts: tuple[Buffer, ...] = ()
    row: int = 0  # of y, the first that it makes


def placed_calls(
    call: Call, root: Mapping[int, int], tensors: Mapping[int, Buffer], scratch: Buffer | None
) -> Iterator[PlacedCall]:
    """The call alone, or all calls of the chain that it stands for.

    tensors: the buffers of root tensors; scratch: that of the call.
    """
    if not isinstance(call.params, BandsParams):
        yield PlacedCall(call, tensors[root[call.y]], tuple(tensors[root[x]] for x in call.xs), scratch)
        return
    assert scratch is not None

    def part(at: At) -> Buffer:
        base = scratch if at.tensor is None else tensors[at.tensor]
        return Buffer(base.place, at.size_bytes, base.offset + at.offset)

    for each in call.params.calls:
        parts = tuple(map(part, (each.y, *each.xs)))
        whole = [part(at) if at.tensor is None else tensors[at.tensor] for at in (each.y, *each.xs)]
        own = part(each.scratch) if each.scratch else None
        yield PlacedCall(each.call, whole[0], tuple(whole[1:]), own, parts, each.row)
