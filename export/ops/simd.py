"""Constants in the order in which kernels with vectors of eight read them. The C side is `simd_kernels.h`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.ops.requantize import OutputStage
from tinyproof.export.ops.vectors import single_sums

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
    bias: NDArray[np.int32], weights: NDArray[np.int8], output: OutputStage
) -> tuple[SimdOutput, NDArray[np.int16]] | None:
    """The output stage for sums as they are, and the weights (y_c, ...) that go with it; None where the numbers of a
    channel do not fit. The last eight are filled up with zeros and shifts of one.
    """
    if (packed := single_sums(bias, weights, output)) is None:
        return None
    table, scaled = packed
    filled = np.pad(table, ((0, -len(table) % EIGHT), (0, 0)))
    filled[len(table) :, 3] = 1
    channels = np.ascontiguousarray(filled.reshape(-1, EIGHT, 4).swapaxes(1, 2))
    return SimdOutput(channels, output.y_min, output.y_max), scaled.astype(np.int16)
