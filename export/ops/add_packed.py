"""ADD of two tensors of the same shape, the kernel `add_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass

from tinyproof.export.c_values import Field, Struct
from tinyproof.export.ops.add import AddOperand, AddParams
from tinyproof.export.ops.kind import Kernel, Params
from tinyproof.export.ops.packed import PackedScale, emit_packed_scale

EXACT = 2**30, 0  # multiplier and shift of the operand with the larger scale: one half
MAX_SHIFT = 22  # 2^22 * 128 and a product below 2^29 together fit 32 bits


@dataclass(frozen=True, eq=False)
class AddPackedParams(Params):
    """The members of `add_packed_params`."""

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
    count = int(add.loops[:, 0].prod())
    in_order = add.loops.tolist() == [[count, 1, 1]]
    if not in_order or add.b_sign != 1 or (b.multiplier, b.shift) != EXACT or not 1 <= -add.shift <= MAX_SHIFT:
        return None
    factor, scale = _finer(a)
    offset = 2 ** (-add.shift - 1) + add.y_zero_point * 2**-add.shift
    y = PackedScale(-b.zero_point * 2**20, add.multiplier, offset, -add.shift)
    return AddPackedParams(count, factor, scale, y, add.y_min, add.y_max), not b_exact


def _finer(a: AddOperand) -> tuple[int, PackedScale]:
    """What a is multiplied with before its scale. No shift, which is exact, is twice the value shifted by 1."""
    shift = max(-a.shift, 1)
    factor = 2**22 if a.shift == 0 else 2**21
    return factor, PackedScale(-a.zero_point * factor, a.multiplier, 2 ** (shift - 1), shift)


def emit(params: AddPackedParams) -> Struct:
    """The C initializer."""
    return Struct(
        "add_packed_params",
        (
            Field("count", params.count),
            Field("a_factor", params.a_factor),
            Field("a", emit_packed_scale(params.a)),
            Field("y", emit_packed_scale(params.y)),
            Field("y_min", params.y_min),
            Field("y_max", params.y_max),
        ),
    )


def leads(params: AddPackedParams) -> tuple[int, int]:
    """How far before each operand y must begin to overwrite it: it may be either."""
    return 0, 0


ADD_PACKED = Kernel("add_packed", emit, leads=leads)
