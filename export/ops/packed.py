"""Constants in the order in which the packed kernels read them. The C side is `packed.h` and `dsp.h`.

Those kernels take less general numbers than the plain ones. What does not fit them is not an error: `pack_output` says
None and the layer is left to the plain kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.ops.equivalent import LONGEST_SHIFT, MOST_GAIN, Stage, equivalent
from tinyproof.export.ops.requantize import INT32_MAX, OutputStage
from tinyproof.optimize import Optimize

DSP = "dsp"  # the folder of the kernels that read such tables
MAX_WEIGHT_BYTES = 192 * 1024
MAX_WEIGHT_BYTES_FAST = 512 * 1024
GROUP = 4  # output channels computed together
MAX_SHIFT = 22  # 2^22 * 128 and a product below 2^29 together fit 32 bits
MOST_WEIGHT, MOST_BYTE = 2**14 - 1, 127  # what a power of two may make of one: doubled it fits 16 bits, or 8 as it is


Shift = TypeVar("Shift", int, NDArray[np.int64])
Rows = TypeVar("Rows", NDArray[np.int16], NDArray[np.int32])


@dataclass(frozen=True, eq=False)
class PackedOutput(CStruct):
    """The members of `packed_output`, and by which power of two the weights of each channel are to be multiplied."""

    c_type: ClassVar[str] = "packed_output"
    members: ClassVar[tuple[str, ...]] = ("channels", "y_min", "y_max", "rectifies")

    channels: NDArray[np.int32]  # (y_c, 4): 2 * bias, multiplier, offset, shift
    y_min: int
    y_max: int
    rectifies: int
    gains: NDArray[np.int64]  # (y_c,)

    def scaled(self, weights: NDArray[np.int8]) -> NDArray[np.int16]:
        """The weights (y_c, ...) that go with it."""
        by_channel = self.gains.reshape(-1, *[1] * (weights.ndim - 1))
        return np.asarray(weights.astype(np.int64) << by_channel, np.int16)


@dataclass(frozen=True)
class PackedScale(CStruct):
    """The members of `packed_scale`."""

    c_type: ClassVar[str] = "packed_scale"

    bias: int
    multiplier: int
    offset: int
    shift: int


def packed_scale(multiplier: int, shift: int, zero_point: int = 0, bias: int = 0) -> PackedScale:
    """The scale that shifts to the right by `shift`, at least 1, rounds, and ends at `zero_point`."""
    return PackedScale(bias, multiplier, rounding_offset(shift, zero_point), shift)


def rounding_offset(shift: Shift, zero_point: int) -> Shift:
    """What is added before a shift to the right, so that it rounds and what comes out is counted from `zero_point`."""
    return (1 << (shift - 1)) + zero_point * (1 << shift)


def pack_output(
    bias: NDArray[np.int32], weights: NDArray[np.int8], output: OutputStage, most: int = 0
) -> PackedOutput | None:
    """The output stage for doubled accumulators; weights (y_c, ...), bias folded.

    Channels whose shift is not to the right, or too far, get numbers that give the same bytes (`equivalent.py`). None
    where that needs weights of more than `most`, or where doubled sums do not fit 32 bits.
    """
    flat = weights.reshape(bias.size, -1)
    stages = np.asarray(output.multiplier, np.int32).tobytes(), np.asarray(output.shift, np.int8).tobytes()
    scales = (*stages, output.y_zero_point, output.y_min, output.y_max)
    return _packed(bias.tobytes(), flat.tobytes(), flat.shape[1], scales, most)


@lru_cache(maxsize=64)  # kernels, cores and values of `--optimize` are tried one after the other
def _packed(
    bias_bytes: bytes, weight_bytes: bytes, taps: int, scales: tuple[bytes, bytes, int, int, int], most: int
) -> PackedOutput | None:
    bias = np.frombuffer(bias_bytes, np.int32)
    channels = bias.size
    flat = np.frombuffer(weight_bytes, np.int8).reshape(channels, taps).astype(np.int64)
    multipliers, shifts, *clamp = scales
    output = OutputStage(np.frombuffer(multipliers, np.int32), np.frombuffer(shifts, np.int8), *clamp)
    magnitude = np.abs(flat).sum(axis=1)
    multiplier = np.broadcast_to(output.multiplier, channels).astype(np.int64)
    shift = -np.broadcast_to(output.shift, channels).astype(np.int64)
    shift = np.where(multiplier == 0, 1, shift)  # what is multiplied by zero is zero whatever the shift
    if np.any(2 * 128 * magnitude > INT32_MAX):
        return None
    odd = (2 * (np.abs(bias.astype(np.int64)) + 128 * magnitude) > INT32_MAX) | (shift < 1) | (shift > LONGEST_SHIFT)
    usual = np.where(odd, 1, shift)
    offset = rounding_offset(usual, output.y_zero_point)
    table = np.stack([2 * bias.astype(np.int64), multiplier, offset, shift], axis=1)
    gains = np.zeros(channels, np.int64)
    places = np.flatnonzero(odd)
    for channel, low, high, largest in zip(places, *_reached(flat[places]), strict=True):
        gain = min(max(most // max(int(largest), 1), 1).bit_length() - 1, MOST_GAIN)
        stage = _stage(output, int(channel), int(low + bias[channel]), int(high + bias[channel]))
        found = equivalent(stage, int(bias[channel]), int(magnitude[channel]), gain)
        if found is None:
            return None
        table[channel] = found.bias, found.multiplier, found.offset, found.shift
        gains[channel] = found.gain
    rectifies = int(output.y_min >= output.y_zero_point)  # what is rounded away from zero below it is cut off
    return PackedOutput(table.astype(np.int32), output.y_min, output.y_max, rectifies, gains)


def _reached(weights: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """For each channel of (channels, taps): the least and the largest sum of int8 inputs, and the largest weight."""
    at_most, at_least = 127 * weights, -128 * weights
    low, high = np.minimum(at_most, at_least).sum(axis=1), np.maximum(at_most, at_least).sum(axis=1)
    return low, high, np.abs(weights).max(axis=1, initial=0)


def _stage(output: OutputStage, channel: int, low: int, high: int) -> Stage:
    k = channel if output.per_channel else 0
    shift, zero_point = int(output.shift[k]), output.y_zero_point
    return Stage(int(output.multiplier[k]), shift, zero_point, output.y_min, output.y_max, low, high)


def last_group(filters: Rows, group: int = GROUP) -> Rows:
    """Filters (y_c, taps), or whatever there is for each, so that the last group ends with the last one: some are there
    twice where they make no groups.

    Fewer than a group stay as they are.

    >>> last_group(np.arange(6, dtype=np.int16)[:, None])[:, 0].tolist()
    [0, 1, 2, 3, 2, 3, 4, 5]
    """
    y_c = len(filters)
    whole = y_c // group * group
    return filters if y_c in (whole, y_c % group) else np.concatenate([filters[:whole], filters[-group:]])


def pack_quads(weights: NDArray[np.int16], group: int = GROUP) -> NDArray[np.int16]:
    """weights (..., y_c, taps) -> (..., quads, 2, group, 2) for each group in turn: (groups, ..., quads, 2, group, 2).

    Taps 0 and 2 of a quad for each filter of the group, then 1 and 3; zeros fill up the last group and the last quad.
    """
    *outer, y_c, taps = weights.shape
    fill = [(0, 0)] * len(outer) + [(0, -y_c % group), (0, -taps % 4)]
    filled = np.pad(weights, fill)
    split = filled.reshape(*outer, -1, group, filled.shape[-1] // 4, 2, 2)  # (..., groups, group, quads, t // 2, t % 2)
    grouped = np.moveaxis(split, len(outer), 0)  # (groups, ..., group, quads, t // 2, t % 2)
    return np.ascontiguousarray(np.moveaxis(grouped, (-3, -1, -4, -2), (-4, -3, -2, -1)))


def pack_two_filters(weights: NDArray[np.int8]) -> NDArray[np.int16] | None:
    """weights (y_c, taps) -> (groups, quads, 2, GROUP / 2, 2): as `pack_quads`, but one number holds the weights of two
    filters, 256 times that of the second plus that of the first.

    None where that needs more than 16 bits, or 256 times the second one's sum more than 32.
    """
    quads = pack_quads(weights.astype(np.int16)).astype(np.int32)
    both = 256 * quads[..., 1::2, :] + quads[..., ::2, :]
    second = np.abs(weights[1::2].astype(np.int64)).sum(axis=1).max(initial=0)
    if both.min() < np.iinfo(np.int16).min or 256 * 128 * int(second) > INT32_MAX:
        return None
    return both.astype(np.int16)


def pack_bytes(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """weights (y_c, taps) -> (groups, quads, GROUP, 4), taps as they come: the kernel spreads the bytes itself."""
    y_c, taps = weights.shape
    filled = np.pad(weights, ((0, -y_c % GROUP), (0, -taps % 4)))
    return np.ascontiguousarray(filled.reshape(-1, GROUP, filled.shape[1] // 4, 4).swapaxes(1, 2))


def fours(count: int) -> int:
    """Groups of four that hold so many.

    >>> fours(9)
    3
    """
    return -(-count // 4)


def rounded_up(count: int, multiple: int = 4) -> int:
    """The next multiple.

    >>> rounded_up(9)
    12
    """
    return -(-count // multiple) * multiple


def is_affordable(weights: NDArray[np.generic], optimize: Optimize = Optimize.BALANCED) -> bool:
    """Whether the weights of one convolution may take so many bytes where packing makes them 2 to 8 times larger."""
    return weights.nbytes <= (MAX_WEIGHT_BYTES_FAST if optimize is Optimize.FAST else MAX_WEIGHT_BYTES)
