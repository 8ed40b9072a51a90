"""Constants in the order in which kernels with vectors of eight read them. The C side is `simd_kernels.h`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.ops.requantize import OutputStage
from tinyproof.export.ops.vectors import single_sums
from tinyproof.export.ops.window import Window

SIMD = "simd"  # the folder of the kernels that read such tables
EIGHT, PAIR = 8, 2


@dataclass(frozen=True, eq=False)
class SimdOutput(CStruct):
    """The members of `simd_output`."""

    c_type: ClassVar[str] = "simd_output"

    channels: NDArray[np.int32]  # (groups, 4, 8): bias, multiplier, offset and shift of each eight
    y_min: int
    y_max: int


def pack_eights(
    bias: NDArray[np.int32], weights: NDArray[np.int8], output: OutputStage, octets: NDArray[np.int64] | None = None
) -> tuple[SimdOutput, NDArray[np.int16]] | None:
    """The output stage for sums as they are, and the weights (8 * groups, ...) that go with it; None where the numbers
    of a channel do not fit. `octets`: which channels make the groups; else all, filled up with zeros and shifts of one.
    """
    if (packed := single_sums(bias, weights, output)) is None:
        return None
    table, scaled = packed[0], packed[1].astype(np.int16)
    if octets is not None:
        table, scaled = table[octets], scaled[octets]
    more = -len(table) % EIGHT
    filled = np.concatenate([table, np.tile(np.array([0, 0, 0, 1], np.int32), (more, 1))])
    channels = np.ascontiguousarray(filled.reshape(-1, EIGHT, 4).swapaxes(1, 2))
    filters = np.pad(scaled, ((0, more), *[(0, 0)] * (scaled.ndim - 1)))
    return SimdOutput(channels, output.y_min, output.y_max), filters


def laid_bytes(window: Window, pool: Window) -> int:
    """The rows that a row of the output of a convolution and its pooling sees, in 16 bits, with one value more."""
    rows = (pool.k_h - 1) * window.stride_h + (window.k_h - 1) * window.dilation_h + 1
    columns = (pool.y_w - 1) * pool.stride_w + pool.k_w
    width = (columns - 1) * window.stride_w + (window.k_w - 1) * window.dilation_w + 1
    return 2 * (rows * width * window.x_c + 1)
