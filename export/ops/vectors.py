"""Constants in the order in which kernels with vectors read them. The C side is `helium_kernels.h`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import CStruct
from tinyproof.export.ops.packed import MOST_BYTE, pack_output
from tinyproof.export.ops.requantize import OutputStage

HELIUM = "helium"  # the folder of the kernels that read such tables
FOUR = 4


@dataclass(frozen=True, eq=False)
class VectorOutput(CStruct):
    """The members of `vector_output`."""

    c_type: ClassVar[str] = "vector_output"

    channels: NDArray[np.int32]  # (groups, 4, 4): bias, multiplier, offset and minus the shift of each four
    y_min: int
    y_max: int


def single_sums(
    bias: NDArray[np.int32], weights: NDArray[np.int8], output: OutputStage
) -> tuple[NDArray[np.int32], NDArray[np.int8]] | None:
    """Bias, multiplier, offset and shift (y_c, 4) for sums as they are, not doubled, and the weights (y_c, ...) that go
    with them; None where the numbers of a channel do not fit.
    """
    packed = pack_output(bias, weights, output, MOST_BYTE)
    if packed is None or np.any(packed.channels[:, 0] % 2):
        return None
    return packed.channels // np.array([2, 1, 1, 1], np.int32), packed.scaled(weights).astype(np.int8)


def pack_vectors(
    bias: NDArray[np.int32], weights: NDArray[np.int8], output: OutputStage
) -> tuple[VectorOutput, NDArray[np.int8]] | None:
    """The output stage for sums as they are, and the weights (y_c, ...) that go with it; None where the numbers of a
    channel do not fit. The last four are filled up with zeros, a shift of none.
    """
    if (packed := single_sums(bias, weights, output)) is None:
        return None
    table, scaled = packed
    filled = np.pad(table * np.array([1, 1, 1, -1], np.int32), ((0, -len(table) % FOUR), (0, 0)))
    channels = np.ascontiguousarray(filled.reshape(-1, FOUR, 4).swapaxes(1, 2))
    return VectorOutput(channels, output.y_min, output.y_max), scaled
