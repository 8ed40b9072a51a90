"""SQUARED_DIFFERENCE, the kernel `squared_difference_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.add_packed import EXACT, finer
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.loops import Loops, broadcast_leads
from tinyproof.export.ops.packed import DSP, MAX_SHIFT, PackedScale, packed_scale
from tinyproof.export.ops.squared_difference import LEFT_SHIFT, SquaredDifferenceParams
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class SquaredDifferencePackedParams(Params):
    """The members of `squared_difference_packed_params`."""

    c_type: ClassVar[str] = "squared_difference_packed_params"

    loops: Loops
    a_factor: int
    a: PackedScale
    b_offset: int
    y: PackedScale


def leads(params: SquaredDifferencePackedParams) -> tuple[int | None, int | None]:
    """How many bytes before each operand the output has to begin where it overwrites it."""
    return broadcast_leads(params.loops)


def events(params: SquaredDifferencePackedParams) -> Events:
    """How often it does each thing that has a price: rows, elements."""
    return params.loops.rows, params.loops.elements


SQUARED_DIFFERENCE_PACKED = Kernel("squared_difference_packed", leads=leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """The operand with the larger scale comes second: half of it on the common scale is exact."""
    plain = call.params
    if not isinstance(plain, SquaredDifferenceParams) or not 1 <= -plain.shift <= MAX_SHIFT:
        return None
    a, b, loops, xs = plain.a, plain.b, plain.loops, call.xs
    if (b.multiplier, b.shift) != EXACT:
        a, b, loops, xs = b, a, loops.swapped(), xs[::-1]
    if (b.multiplier, b.shift) != EXACT:
        return None
    y = packed_scale(plain.multiplier, -plain.shift, plain.y_zero_point)
    b_offset = b.zero_point << (LEFT_SHIFT - 1)
    params = SquaredDifferencePackedParams(loops, *finer(a, LEFT_SHIFT), b_offset, y)
    return replace(call, kernel=SQUARED_DIFFERENCE_PACKED, xs=xs, params=params)


FAST = Fast(SQUARED_DIFFERENCE_PACKED, fit)
