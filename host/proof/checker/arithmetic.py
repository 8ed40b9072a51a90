"""TensorFlow Lite Micro's integer arithmetic, that of the packed kernels, and whether two of them make the same bytes.

All functions take int64 arrays; no value leaves 2^63.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .findings import Refused, require

Ints = NDArray[np.int64]
INT32_MAX = 2**31 - 1


def ints(values: Any) -> Ints:
    """As int64."""
    return np.asarray(values, np.int64)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """TFLM's `QuantizeMultiplier`: (multiplier, left shift), real = multiplier * 2^(shift - 31)."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def high_mul(a: Any, b: Any) -> Any:
    """`SaturatingRoundingDoublingHighMul` where nothing saturates: floor((a * b + 2^30) / 2^31)."""
    return (a * b + 2**30) >> 31


def divide_by_pot(a: Any, shift: Any) -> Any:
    """`RoundingDivideByPOT`: a / 2^shift to nearest, halves away from zero."""
    mask = (1 << shift) - 1
    half = (mask >> 1) + (a < 0)
    return (a >> shift) + ((a & mask) > half)


def requantize(a: Any, multiplier: Any, shift: Any) -> Any:
    """`MultiplyByQuantizedMultiplier`, with both roundings."""
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return divide_by_pot(high_mul(a << left, multiplier), right)


def round_half_away(value: float) -> int:
    """C's `round`."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


Function = Callable[[Ints], Ints]  # (channels, n) sums -> (channels, n) bytes, never falling along a row


def stage(multiplier: Ints, shift: Ints, zero_point: int, low: int, high: int) -> Function:
    """TFLM's way from a sum to a byte; multiplier and shift (channels,)."""
    m, s = multiplier[:, None], shift[:, None]
    return lambda sums: np.clip(requantize(sums, m, s) + zero_point, low, high)


def packed(table: Ints, gain: Ints, moved: Ints, low: int, high: int, sign: str) -> Function:
    """The packed kernels' way, from TFLM's sum a: v = gain * a + moved, then multiplier, offset and shift of the table
    (channels, 3). `sign`: what decides on the -1, "product", "sum" or "none".
    """
    m, offset, shift = (table[:, k, None] for k in range(3))

    def function(sums: Ints) -> Ints:
        doubled = gain[:, None] * sums + moved[:, None]
        product = (doubled * m + 2**31) >> 32
        below = {"product": product < 0, "sum": doubled < 0, "none": np.zeros_like(product)}[sign]
        return ints(np.clip(np.clip((product - below + offset) >> shift, -128, 127), low, high))

    return function


def check_packed_range(table: Ints, gain: Ints, moved: Ints, lowest: Ints, highest: Ints, where: str) -> None:
    """Refuse numbers of `packed` that would leave 32 bits for a sum in [lowest, highest], or that no kernel takes."""
    m, offset, shift = (table[:, k] for k in range(3))
    require(bool(np.all((m >= 0) & (shift >= 0) & (shift <= 31))), f"{where}: a multiplier or a shift out of range")
    for sums in (lowest, highest):
        doubled = gain * sums + moved
        _check_within(doubled, sums, where)
        product = (doubled * m + 2**31) >> 32
        for value in (product + offset, product + offset - 1):
            _check_within(value, sums, where)


def _check_within(values: Ints, sums: Ints, where: str) -> None:
    wrong = np.flatnonzero(np.abs(values) > INT32_MAX)
    if wrong.size:
        raise Refused(f"{where}, channel {wrong[0]}: the sum {sums[wrong[0]]} leaves 32 bits")


def _first_reaching(function: Function, lowest: Ints, highest: Ints) -> Ints:
    """For each channel and each byte from -127 the smallest sum of [lowest, highest] that gives it or more, else one
    behind the last; (channels, 255).
    """
    values = np.arange(-127, 128)
    shape = (lowest.size, values.size)
    below = np.broadcast_to(lowest[:, None] - 1, shape).copy()
    reached = np.broadcast_to(highest[:, None] + 1, shape).copy()
    while np.any(reached - below > 1):
        middle = np.clip((below + reached) // 2, lowest[:, None], highest[:, None])
        enough = function(middle) >= values
        open_ = reached - below > 1
        reached, below = np.where(open_ & enough, middle, reached), np.where(open_ & ~enough, middle, below)
    return reached


def check_equal(wanted: Function, ways: Sequence[Function], lowest: Ints, highest: Ints, where: str) -> None:
    """Lemma "steps": functions that never fall are equal on an interval if each byte begins at the same sum."""
    steps = _first_reaching(wanted, lowest, highest)
    for got in ways:
        others = _first_reaching(got, lowest, highest)
        different = np.argwhere(steps != others)
        if not different.size:
            continue
        channel, k = different[0]
        at = np.full((lowest.size, 1), min(steps[channel, k], others[channel, k]))
        golden, ours = (int(each(at)[channel, 0]) for each in (wanted, got))
        raise Refused(f"{where}, channel {channel}: the sum {at[0, 0]} gives {ours}, and TFLM's {golden}")
