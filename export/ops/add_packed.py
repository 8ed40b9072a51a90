"""ADD and SUB, the kernel `add_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.add import LEFT_SHIFT, AddOperand, AddParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.loops import Loops, broadcast_leads
from tinyproof.export.ops.packed import DSP, MAX_SHIFT, PackedScale, packed_scale
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

EXACT = 2**30, 0  # multiplier and shift of the operand with the larger scale: one half


@dataclass(frozen=True, eq=False)
class AddPackedParams(Params):
    """The members of `add_packed_params`."""

    c_type: ClassVar[str] = "add_packed_params"

    loops: Loops
    a_factor: int
    a: PackedScale
    a_sign: int
    b_factor: int
    y: PackedScale
    y_min: int
    y_max: int


def pack(add: AddParams) -> tuple[AddPackedParams, bool] | None:
    """The packed sum, and whether the operands change places; None where they do not fit the kernel.

    b is the operand with the larger scale: half of it on the common scale is (b - zero_point) * 2^19 and needs no
    rounding. a takes TFLM's product of (a - zero_point) * 2^20, doubled.
    """
    ordered = coarser_second(add.a, add.b, add.loops)
    if ordered is None or not 1 <= -add.shift <= MAX_SHIFT:
        return None
    a, b, loops, swapped = ordered
    a_sign, b_sign = (add.b_sign, 1) if swapped else (1, add.b_sign)
    b_factor = b_sign << (LEFT_SHIFT - 1)
    y = packed_scale(add.multiplier, -add.shift, add.y_zero_point, -2 * b.zero_point * b_factor)
    return AddPackedParams(loops, *finer(a, LEFT_SHIFT), a_sign, b_factor, y, add.y_min, add.y_max), swapped


def coarser_second(a: AddOperand, b: AddOperand, loops: Loops) -> tuple[AddOperand, AddOperand, Loops, bool] | None:
    """The operands and their loops, the one with the larger scale second, and whether they changed places for it; None
    where neither is brought to the common scale exactly.
    """
    if (b.multiplier, b.shift) == EXACT:
        return a, b, loops, False
    return (b, a, loops.swapped(), True) if (a.multiplier, a.shift) == EXACT else None


def finer(a: AddOperand, left_shift: int) -> tuple[int, PackedScale]:
    """What a is multiplied with before its scale. No shift, which is exact, is twice the value shifted by 1."""
    factor = 1 << (left_shift + (2 if a.shift == 0 else 1))
    return factor, packed_scale(a.multiplier, max(-a.shift, 1), bias=-a.zero_point * factor)


def events(params: AddPackedParams) -> Events:
    """How often it does each thing that has a price: rows, elements of the usual ones and of others."""
    rows, elements = params.loops.rows, params.loops.elements
    is_sum = (params.a_factor, params.a_sign, params.b_factor) == (1 << LEFT_SHIFT + 1, 1, 1 << LEFT_SHIFT - 1)
    is_usual = is_sum and params.loops.table[-1, 1:].tolist() == [1, 1]
    return (rows, elements, 0) if is_usual else (rows, 0, elements)


ADD_PACKED = Kernel("add_packed", leads=broadcast_leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """The operand with the larger scale comes second."""
    packed = pack(call.params) if isinstance(call.params, AddParams) else None
    if packed is None:
        return None
    params, swapped = packed
    return replace(call, kernel=ADD_PACKED, xs=call.xs[::-1] if swapped else call.xs, params=params)


FAST = Fast(ADD_PACKED, fit)
