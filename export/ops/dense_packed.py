"""FULLY_CONNECTED, the kernel `dense_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.c_values import ConstantTable, Field, Struct
from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.kind import Kernel, Params
from tinyproof.export.ops.packed import PackedOutput, emit_packed_output, pack_bytes, pack_output, rounded_up


@dataclass(frozen=True, eq=False)
class DensePackedParams(Params):
    """The members of `dense_packed_params`."""

    weights: NDArray[np.int8]  # (groups, quads, 4, 4)
    rows: int
    x_c: int
    y_c: int
    output: PackedOutput


def pack(dense: DenseParams) -> DensePackedParams | None:
    """The packed layer; None where its numbers do not fit the kernel."""
    output = pack_output(dense.bias, dense.weights, dense.output)
    if output is None:
        return None
    y_c, x_c = dense.weights.shape
    return DensePackedParams(pack_bytes(dense.weights), dense.rows, x_c, y_c, output)


def emit(params: DensePackedParams) -> Struct:
    """The C initializer."""
    return Struct(
        "dense_packed_params",
        (
            Field("weights", ConstantTable(params.weights)),
            Field("rows", params.rows),
            Field("x_c", params.x_c),
            Field("y_c", params.y_c),
            Field("output", emit_packed_output(params.output)),
        ),
    )


def scratch_bytes(params: DensePackedParams) -> int:
    """The sums, and one row in 16 bits."""
    return 4 * rounded_up(params.y_c) + 2 * rounded_up(params.x_c)


DENSE_PACKED = Kernel("dense_packed", emit, scratch_bytes)
