"""MUL whose scale is a shift to the right, the kernel `mul_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.kind import Call, Fast, Kernel, Params
from tinyproof.export.ops.loops import Loops, broadcast_events, broadcast_leads
from tinyproof.export.ops.mul import MulParams
from tinyproof.export.ops.packed import DSP, MAX_SHIFT, PackedScale, packed_scale
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class MulPackedParams(Params):
    """The members of `mul_packed_params`."""

    c_type: ClassVar[str] = "mul_packed_params"

    loops: Loops
    a_zero_point: int
    b_factor: int
    b_offset: int
    y: PackedScale
    y_min: int
    y_max: int


MUL_PACKED = Kernel("mul_packed", leads=broadcast_leads, events=broadcast_events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """An operand that stays the same along a row comes second."""
    mul = call.params
    if not isinstance(mul, MulParams) or not 1 <= -mul.shift <= MAX_SHIFT:
        return None
    y = packed_scale(mul.multiplier, -mul.shift, mul.y_zero_point)
    first, second, loops, xs = mul.a_zero_point, mul.b_zero_point, mul.loops, call.xs
    if loops.table[-1, 1] == 0:
        first, second, loops, xs = second, first, loops.swapped(), xs[::-1]
    params = MulPackedParams(loops, first, 2, -2 * second, y, mul.y_min, mul.y_max)
    return replace(call, kernel=MUL_PACKED, xs=xs, params=params)


FAST = Fast(MUL_PACKED, fit)
