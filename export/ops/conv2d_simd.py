"""CONV_2D, with the MAX_POOL_2D that follows it if one does, and FULLY_CONNECTED: the kernel `conv2d_simd_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.conv2d import Conv2dParams, as_pixels
from tinyproof.export.ops.conv2d_helium import is_inside
from tinyproof.export.ops.conv2d_packed import no_pool
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.kind import Call, Fast, Kernel, Params
from tinyproof.export.ops.packed import rounded_up
from tinyproof.export.ops.simd import EIGHT, PAIR, SIMD, SimdOutput, laid_bytes, pack_eights
from tinyproof.export.ops.window import Window, lead_bytes
from tinyproof.optimize import Optimize

Number = TypeVar("Number", bound=np.integer)


@dataclass(frozen=True, eq=False)
class Conv2dSimdParams(Params):
    """The members of `conv2d_simd_params`."""

    c_type: ClassVar[str] = "conv2d_simd_params"
    members: ClassVar[tuple[str, ...]] = ("weights", "pairs", "x_zero_point", "window", "pool", "output")

    weights: NDArray[np.int16]  # (groups, pairs, 8, 2)
    x_zero_point: int
    window: Window
    pool: Window
    output: SimdOutput

    @property
    def pairs(self) -> int:
        """Pairs of neighbouring values that a filter sees."""
        return int(self.weights.shape[1])


def pack(conv: Conv2dParams, pool: Window) -> Conv2dSimdParams | None:
    """The packed layer; None where its numbers do not fit the kernel."""
    if (packed := pack_eights(conv.bias, conv.weights, conv.output)) is None:
        return None
    output, weights = packed
    return Conv2dSimdParams(in_pairs(weights, conv.window), conv.x_zero_point, conv.window, pool, output)


def in_pairs(filters: NDArray[Number], window: Window) -> NDArray[Number]:
    """Filters (8 * groups, k_h, k_w, x_c) in the order of the kernel's table: (groups, pairs, 8, 2)."""
    runs = window.k_h * (1 if window.dilation_w == 1 else window.k_w)
    of_runs = filters.reshape(len(filters), runs, -1)
    filled = np.pad(of_runs, ((0, 0), (0, 0), (0, -of_runs.shape[2] % PAIR)))
    return np.ascontiguousarray(filled.reshape(-1, EIGHT, filled[0].size // PAIR, PAIR).swapaxes(1, 2))


def scratch_bytes(params: Conv2dSimdParams) -> int:
    """Where pairs and the pixels of a pooling window lie, in 32 bits, and the rows that a row of the output sees."""
    places = params.pairs + rounded_up(params.pool.k_h * params.pool.k_w)
    return rounded_up(4 * places + laid_bytes(params.window, params.pool))


def leads(params: Conv2dSimdParams) -> tuple[int]:
    """How many bytes before the input the output has to begin where it overwrites it."""
    return (lead_bytes(params.window, params.pool),)


CONV2D_SIMD = Kernel("conv2d_simd", scratch_bytes, leads, folder=SIMD)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Whatever `Optimize` says: computers have memory."""
    conv = call.params
    if isinstance(conv, DenseParams):
        conv = as_pixels(conv)
    if not isinstance(conv, Conv2dParams) or (pool and not is_inside(pool)):
        return None
    params = pack(conv, pool or no_pool(conv.window))
    return replace(call, kernel=CONV2D_SIMD, params=params) if params else None


FAST = Fast(CONV2D_SIMD, fit, rank=-1)  # before any kernel without vectors
