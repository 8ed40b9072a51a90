"""Numbers for channels whose output stage the packed kernels do not take as it is: they give the same bytes.

A packed kernel makes of the doubled sum `a` of a channel, which has its bias in it, the byte

    clamp((t + (t < 0 ? -1 : 0) + offset) >> shift, y_min, y_max),  t = a * multiplier / 2^32 rounded

whereas TFLM's shift may go to the left or far to the right. Both are steps that rise with the sum, so they are equal
where they rise at the same sums: those of TFLM's are searched for, and numbers are taken that put the others there. The
sum of a channel may be multiplied by a power of two by multiplying its weights. Bias and offset are moved so that no
sum is negative where the byte depends on it, which leaves one rounding of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.ops.requantize import INT32_MAX

LONGEST_SHIFT = 23  # 2^23 * 128 and a product below 2^30 together fit 32 bits
SHORTEST_OF_LONG = 14  # of a shift that is too long: shorter ones leave too little of the multiplier
MOST_GAIN = 8
PLACES = np.split(np.concatenate([np.arange(1, 2049), 2 ** np.arange(11, 23) + 1]), [16, 128])  # of the lowest byte
NEIGHBOURS = (0, -1, 1, -2, 2, -3, 3, -5, 5, -8, 8)  # of a multiplier
Sums = NDArray[np.int64]


@dataclass(frozen=True)
class Stage:
    """TFLM's way from the sum of a channel to its byte; the sums that can be are those of `low` to `high`."""

    multiplier: int
    shift: int  # to the left
    y_zero_point: int
    y_min: int
    y_max: int
    low: int
    high: int

    def bytes_of(self, sums: Sums) -> Sums:
        """The output bytes, as in `requantize.h`."""
        values = self.y_zero_point + requantize(sums, self.multiplier, self.shift)
        return np.asarray(np.clip(values, self.y_min, self.y_max), np.int64)


@dataclass(frozen=True)
class PackedChannel:
    """A row of the table of `packed_output`, for sums without their bias that are multiplied by 2^gain."""

    bias: int
    multiplier: int
    offset: int
    shift: int
    gain: int = 0

    def bytes_of(self, sums: Sums, y_min: int, y_max: int, sign: str) -> Sums | None:
        """The output bytes of sums without their bias; None where 32 bits do not hold them.

        Kernels take the sign of the "product", or of the doubled "sum" instead, or where the layer rectifies "none".
        """
        doubled = (sums << (1 + self.gain)) + self.bias
        product = (doubled * self.multiplier + 2**31) >> 32
        below = {"product": product < 0, "sum": doubled < 0, "none": np.zeros(sums.shape, bool)}[sign]
        moved = product - below + self.offset
        if max(-doubled.min(), doubled.max(), -moved.min() - 1, moved.max()) > INT32_MAX:
            return None
        return np.asarray(np.clip(moved >> self.shift, y_min, y_max), np.int64)


def constant(value: int) -> PackedChannel:
    """The channel that is this byte whatever its sum."""
    return PackedChannel(0, 0, 2 * value + 1, 1)


@lru_cache(maxsize=4096)  # kernels are tried one after the other
def equivalent(stage: Stage, bias: int, magnitude: int, most_gain: int) -> PackedChannel | None:
    """The same bytes for all sums that can be; None where none was found.

    `bias` is part of those sums, `magnitude` the sum of the absolute weights, which 2^most_gain may multiply.
    """
    lowest, highest = (int(value) for value in stage.bytes_of(np.array([stage.low, stage.high], np.int64)))
    if lowest == highest:
        return constant(lowest)
    values = np.arange(lowest + 1, highest + 1)
    steps = _steps(stage, values) - bias
    for form in _forms(stage, most_gain):
        room = INT32_MAX - (256 * magnitude << form[2])  # for the bias
        for places in PLACES if room >= 0 else ():
            found = _placed(stage, bias, steps, values, form, places)
            if found and abs(found.bias) <= room and _is_equal(stage, found, bias, steps):
                return found
    return None


def _steps(stage: Stage, values: Sums) -> Sums:
    """For each byte, the smallest sum that gives it or a larger one."""
    below = np.full(values.shape, stage.low, np.int64)  # gives less
    enough = np.full(values.shape, stage.high, np.int64)
    while np.any(enough - below > 1):
        middle = (below + enough) // 2
        reached = stage.bytes_of(middle) >= values
        below, enough = np.where(reached, below, middle), np.where(reached, middle, enough)
    return enough


def _forms(stage: Stage, most_gain: int) -> list[tuple[int, int, int]]:
    """(multiplier, shift, gain) of about the stage's slope, the best first."""
    forms = []
    for gain in range(max(0, stage.shift), most_gain + 1):
        shift = gain - stage.shift
        shifts = [shift] if shift <= LONGEST_SHIFT else range(LONGEST_SHIFT, SHORTEST_OF_LONG - 1, -1)
        for right in shifts:
            multiplier = stage.multiplier >> (shift - right)
            forms += [(multiplier + k, right, gain) for k in NEIGHBOURS if 0 < multiplier + k <= INT32_MAX]
    return forms


def _placed(
    stage: Stage, bias: int, steps: Sums, values: Sums, form: tuple[int, int, int], places: Sums
) -> PackedChannel | None:
    """The channel of this form that rises where it should: the first that does, of those whose product is one of
    `places` where the lowest byte begins.
    """
    multiplier, shift, gain = form
    lowest, highest, unit = int(values[0]) - 1, int(values[-1]), 2 << gain
    places = places[places + ((highest + 1 - lowest) << shift) < 2**31]
    if not places.size:
        return None

    def reached(byte: Sums) -> Sums:
        """The doubled sums from which the product is that of a byte, (places, bytes)."""
        products = ((byte - lowest) << shift) + places[:, None]
        return np.asarray(-((2**31 - (products << 32)) // multiplier), np.int64)

    exact = reached(values) - unit * steps
    least, most = exact.max(axis=1), exact.min(axis=1) + unit - 1
    if lowest > stage.y_min:
        least = np.maximum(least, reached(values[:1] - 1)[:, 0] - unit * (stage.low - bias))
    if highest < stage.y_max:
        most = np.minimum(most, reached(values[-1:] + 1)[:, 0] - 1 - unit * (stage.high - bias))
    fitting = np.flatnonzero(least <= most)
    if not fitting.size:
        return None
    k = fitting[0]
    return PackedChannel(int(least[k] + most[k]) // 2, multiplier, (lowest << shift) - int(places[k]), shift, gain)


def _is_equal(stage: Stage, channel: PackedChannel, bias: int, steps: Sums) -> bool:
    """Whether it has the stage's bytes at both ends and on both sides of every step, and so everywhere."""
    sums = np.concatenate([[stage.low - bias, stage.high - bias], steps, steps - 1])
    wanted = stage.bytes_of(sums + bias)
    for sign in ("product", "sum", "none"):
        got = channel.bytes_of(sums, stage.y_min, stage.y_max, sign)
        if got is None or not np.array_equal(got, wanted):
            return False
    return True
