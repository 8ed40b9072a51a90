"""SQUARED_DIFFERENCE, the kernel `squared_difference_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.add_packed import coarser_second, finer
from tinyproof.export.ops.kind import Call, Fast, Kernel, Params
from tinyproof.export.ops.loops import Loops, broadcast_events, broadcast_leads
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


SQUARED_DIFFERENCE_PACKED = Kernel(
    "squared_difference_packed", leads=broadcast_leads, events=broadcast_events, folder=DSP
)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """The operand with the larger scale comes second: half of it on the common scale is exact."""
    plain = call.params
    if not isinstance(plain, SquaredDifferenceParams) or not 1 <= -plain.shift <= MAX_SHIFT:
        return None
    ordered = coarser_second(plain.a, plain.b, plain.loops)
    if ordered is None:
        return None
    a, b, loops, swapped = ordered
    y = packed_scale(plain.multiplier, -plain.shift, plain.y_zero_point)
    b_offset = b.zero_point << (LEFT_SHIFT - 1)
    params = SquaredDifferencePackedParams(loops, *finer(a, LEFT_SHIFT), b_offset, y)
    return replace(call, kernel=SQUARED_DIFFERENCE_PACKED, xs=call.xs[::-1] if swapped else call.xs, params=params)


FAST = Fast(SQUARED_DIFFERENCE_PACKED, fit)
