"""ADD of two tensors of the same shape, the kernel `add_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.add import AddOperand, AddParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, PackedScale, packed_scale
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

EXACT = 2**30, 0  # multiplier and shift of the operand with the larger scale: one half
MAX_SHIFT = 22  # 2^22 * 128 and a product below 2^29 together fit 32 bits


@dataclass(frozen=True, eq=False)
class AddPackedParams(Params):
    """The members of `add_packed_params`."""

    c_type: ClassVar[str] = "add_packed_params"

    count: int
    a_factor: int
    a: PackedScale
    y: PackedScale
    y_min: int
    y_max: int


def pack(add: AddParams) -> tuple[AddPackedParams, bool] | None:
    """The packed sum, and whether the operands change places; None where they do not fit the kernel.

    b is the operand with the larger scale: half of it on the common scale is (b - zero_point) * 2^19 and needs no
    rounding. a takes TFLM's product of (a - zero_point) * 2^20, doubled.
    """
    b_exact = (add.b.multiplier, add.b.shift) == EXACT
    a, b = (add.a, add.b) if b_exact else (add.b, add.a)
    count = int(add.loops.table[:, 0].prod())
    in_order = add.loops.table.tolist() == [[count, 1, 1]]
    if not in_order or add.b_sign != 1 or (b.multiplier, b.shift) != EXACT or not 1 <= -add.shift <= MAX_SHIFT:
        return None
    factor, scale = _finer(a)
    y = packed_scale(add.multiplier, -add.shift, add.y_zero_point, -b.zero_point * 2**20)
    return AddPackedParams(count, factor, scale, y, add.y_min, add.y_max), not b_exact


def _finer(a: AddOperand) -> tuple[int, PackedScale]:
    """What a is multiplied with before its scale. No shift, which is exact, is twice the value shifted by 1."""
    shift = max(-a.shift, 1)
    factor = 2**22 if a.shift == 0 else 2**21
    return factor, packed_scale(a.multiplier, shift, bias=-a.zero_point * factor)


def leads(params: AddPackedParams) -> tuple[int, int]:
    """How many bytes before each operand the output has to begin where it overwrites it: it may be either."""
    return 0, 0


def events(params: AddPackedParams) -> Events:
    """How often it does each thing that has a price."""
    return (params.count,)


ADD_PACKED = Kernel("add_packed", leads=leads, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """The operand with the larger scale comes second."""
    packed = pack(call.params) if isinstance(call.params, AddParams) else None
    if packed is None:
        return None
    params, swapped = packed
    return replace(call, kernel=ADD_PACKED, xs=call.xs[::-1] if swapped else call.xs, params=params)


FAST = Fast(ADD_PACKED, fit)
