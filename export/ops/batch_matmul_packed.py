"""BATCH_MATMUL with each matrix of b laid out for four columns at a time: the kernel `batch_matmul_packed_s8`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tinyproof.export.ops.batch_matmul import BatchMatmulParams
from tinyproof.export.ops.kind import Call, Events, Fast, Kernel, Params
from tinyproof.export.ops.packed import DSP, PackedScale, fours, packed_scale, rounded_up
from tinyproof.export.ops.requantize import INT32_MAX
from tinyproof.export.ops.window import Window
from tinyproof.optimize import Optimize

FEWEST_ROWS = 3  # below that laying b out costs more than it saves
MOST_SCRATCH = 16 * 1024
MAX_SHIFT = 21  # 2^21 * 128 and a product below 2^30 together fit 32 bits


@dataclass(frozen=True, eq=False)
class BatchMatmulPackedParams(Params):
    """The members of `batch_matmul_packed_params`."""

    c_type: ClassVar[str] = "batch_matmul_packed_params"

    matrices: BatchMatmulParams
    y: PackedScale


def scratch_bytes(params: BatchMatmulPackedParams) -> int:
    """A row of a in 16 bits, and a matrix of b."""
    depth = rounded_up(params.matrices.depth)
    return 2 * depth + depth * rounded_up(params.matrices.columns)


def events(params: BatchMatmulPackedParams) -> Events:
    """How often it does each thing that has a price."""
    size = params.matrices
    count = int(size.batches.table[:, 0].prod())
    rows, quads, groups = count * size.rows, fours(size.depth), fours(size.columns)
    return count * size.columns * quads, rows, rows * quads, rows * size.columns, rows * groups, rows * groups * quads


KERNEL = Kernel("batch_matmul_packed", scratch_bytes, events=events, folder=DSP)


def fit(call: Call, pool: Window | None, optimize: Optimize) -> Call | None:
    """Where a matrix of b serves several rows and takes little memory."""
    size = call.params
    if pool or not isinstance(size, BatchMatmulParams) or size.rows < FEWEST_ROWS:
        return None
    if not 1 <= -size.shift <= MAX_SHIFT or 2 * 255 * 255 * size.depth > INT32_MAX:
        return None
    params = BatchMatmulPackedParams(size, packed_scale(size.multiplier, -size.shift, size.y_zero_point))
    return replace(call, kernel=KERNEL, params=params) if scratch_bytes(params) <= MOST_SCRATCH else None


FAST = Fast(KERNEL, fit)
