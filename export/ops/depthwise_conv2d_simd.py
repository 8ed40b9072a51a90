"""DEPTHWISE_CONV_2D with one filter a channel: the kernel `depthwise_conv2d_simd_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.depthwise_conv2d import DepthwiseConv2dParams
from tinyproof.export.ops.kind import Call, Fast, Kernel, Params
from tinyproof.export.ops.packed import rounded_up
from tinyproof.export.ops.simd import EIGHT, PAIR, SIMD, SimdOutput, laid_bytes, pack_eights
from tinyproof.export.ops.window import Window, lead_bytes
from tinyproof.optimize import Optimize

Number = TypeVar("Number", bound=np.integer)


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dSimdParams(Params):
    """The members of `depthwise_conv2d_simd_params`."""

    c_type: ClassVar[str] = "depthwise_conv2d_simd_params"
    members: ClassVar[tuple[str, ...]] = ("weights", "pairs", "x_zero_point", "window", "output")

    weights: NDArray[np.int16]  # (octets, pairs, 8, 2)
    x_zero_point: int
    window: Window
    output: SimdOutput

    @property
    def pairs(self) -> int:
        """Pairs of taps."""
        return int(self.weights.shape[1])


def pack(conv: DepthwiseConv2dParams) -> DepthwiseConv2dSimdParams | None:
    """The packed layer, of at least eight channels; None where its numbers do not fit the kernel."""
    by_channel = np.moveaxis(conv.weights, 2, 0)  # (y_c, k_h, k_w)
    if (packed := pack_eights(conv.bias, by_channel, conv.output, octets(len(by_channel)))) is None:
        return None
    output, weights = packed
    return DepthwiseConv2dSimdParams(in_pairs(weights), conv.x_zero_point, conv.window, output)


def octets(channels: int) -> NDArray[np.int64]:
    """Which channels are computed together: eight by eight, the last ones with some before them again."""
    starts = np.minimum(np.arange(0, channels, EIGHT), channels - EIGHT)
    return np.asarray(starts[:, None] + np.arange(EIGHT), np.int64).reshape(-1)


def in_pairs(filters: NDArray[Number]) -> NDArray[Number]:
    """Filters (8 * octets, k_h, k_w) in the order of the kernel's table: (octets, pairs, 8, 2)."""
    taps = filters.reshape(len(filters), -1)
    filled = np.pad(taps, ((0, 0), (0, -taps.shape[1] % PAIR)))
    return np.ascontiguousarray(filled.reshape(-1, EIGHT, filled.shape[1] // PAIR, PAIR).swapaxes(1, 2))


def scratch_bytes(params: DepthwiseConv2dSimdParams) -> int:
    """Where taps lie, in 32 bits, and the rows that a row of the output sees."""
    return rounded_up(4 * PAIR * params.pairs + laid_bytes(params.window, no_pool(params.window)))


def leads(params: DepthwiseConv2dSimdParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, no_pool(params.window)),)


DEPTHWISE_CONV2D_SIMD = Kernel("depthwise_conv2d_simd", scratch_bytes, leads, folder=SIMD)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Without a pooling, and as many channels out as in."""
    conv = call.params
    if pool or not isinstance(conv, DepthwiseConv2dParams) or not EIGHT <= conv.window.x_c == conv.window.y_c:
        return None
    params = pack(conv)
    return replace(call, kernel=DEPTHWISE_CONV2D_SIMD, params=params) if params else None


FAST = Fast(DEPTHWISE_CONV2D_SIMD, fit, rank=-1)  # before any kernel without vectors
