"""FULLY_CONNECTED, the kernel `dense_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.ops.dense import DenseParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, GROUP, MOST_BYTE, PackedOutput, fours, pack_bytes, pack_output, rounded_up
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize


@dataclass(frozen=True, eq=False)
class DensePackedParams(Params):
    """The members of `dense_packed_params`."""

    c_type: ClassVar[str] = "dense_packed_params"

    weights: NDArray[np.int8]  # (y_c / 4, quads, 4, 4), then (y_c % 4, quads, 4), as one line
    rows: int
    x_c: int
    y_c: int
    output: PackedOutput


def pack(dense: DenseParams) -> DensePackedParams | None:
    """The packed layer; None where its numbers do not fit the kernel."""
    output = pack_output(dense.bias, dense.weights, dense.output, MOST_BYTE)
    if output is None:
        return None
    y_c, x_c = dense.weights.shape
    filters = np.pad(output.scaled(dense.weights).astype(np.int8), ((0, 0), (0, -x_c % 4)))
    whole = y_c // GROUP * GROUP
    weights = np.concatenate([pack_bytes(filters[:whole]).ravel(), filters[whole:].ravel()])
    return DensePackedParams(weights, dense.rows, x_c, y_c, output)


def scratch_bytes(params: DensePackedParams) -> int:
    """One row in 16 bits."""
    return 2 * rounded_up(params.x_c)


def events(params: DensePackedParams) -> Events:
    """How often it does each thing that has a price."""
    rows, quads = params.rows, fours(params.x_c)
    groups, rest = divmod(params.y_c, GROUP)
    return (
        rows,
        rows * groups,
        rows * groups * quads,
        rows * rest,
        rows * rest * quads,
        rows * quads,
        rows * params.y_c,
    )


DENSE_PACKED = Kernel("dense_packed", scratch_bytes, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Whatever `Optimize` says: a weight is a byte here, too."""
    params = pack(call.params) if isinstance(call.params, DenseParams) else None
    return replace(call, kernel=DENSE_PACKED, params=params) if params else None


FAST = Fast(DENSE_PACKED, fit)
