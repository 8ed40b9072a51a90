"""BATCH_MATMUL, the kernel `batch_matmul_s8`: matrices that are computed or constant, repeated to common batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import tflite

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Kernel, OpKind, Params, one_call
from tinyproof.export.ops.loops import Loops, nest, strides
from tinyproof.export.ops.requantize import rescale

MAX_RANK = 5  # TFLM's


@dataclass(frozen=True)
class BatchMatmulOptions(OpOptions):
    """As in the file: whether a and b are stored with their last two axes exchanged."""

    a_transposed: bool
    b_transposed: bool


@dataclass(frozen=True, eq=False)
class BatchMatmulParams(Params):
    """The members of `batch_matmul_params`; steps are in elements."""

    c_type: ClassVar[str] = "batch_matmul_params"

    batches: Loops
    rows: int
    depth: int
    columns: int
    a_row: int
    a_depth: int
    b_depth: int
    b_column: int
    a_zero_point: int
    b_zero_point: int
    multiplier: int
    shift: int
    y_zero_point: int


def parse(table: Any) -> BatchMatmulOptions:
    """The options out of the flatbuffer."""
    options = tflite.BatchMatMulOptions()
    options.Init(table.Bytes, table.Pos)
    return BatchMatmulOptions(bool(options.AdjX()), bool(options.AdjY()))


def fold(graph: Graph, op: Op) -> BatchMatmulParams:
    """All constants of the op."""
    options = op.options
    assert isinstance(options, BatchMatmulOptions)
    operands.check_arity(graph, op, inputs=(2,))
    a, b = (operands.values(graph, op, index) for index in op.inputs)
    y = operands.computed(graph, op, op.outputs[0])
    if not 2 <= min(len(a.shape), len(b.shape)) <= max(len(a.shape), len(b.shape)) <= MAX_RANK:
        raise graph.refusal(op, f"TFLM multiplies 2 to {MAX_RANK} axes, not {a.shape} and {b.shape}; reshape before")
    rows, depth = a.shape[-2:][:: -1 if options.a_transposed else 1]
    b_depth, columns = b.shape[-2:][:: -1 if options.b_transposed else 1]
    rank = max(len(a.shape), len(b.shape)) - 2
    over_a, over_b = ((1,) * (rank + 2 - len(x.shape)) + x.shape[:-2] for x in (a, b))
    batches = tuple(max(pair) for pair in zip(over_a, over_b, strict=True))
    fits = all(m == n or 1 in (m, n) for m, n in zip(over_a, over_b, strict=True))
    if depth != b_depth or not fits or y.shape != (*batches, rows, columns):
        raise graph.refusal(op, f"{a.shape} times {b.shape} do not make {y.shape}; export the model again")
    real = float(a.scale) * float(b.scale) / float(y.scale)
    multiplier, shift = rescale(graph, op, real, 255 * 255 * depth)

    def steps(over: tuple[int, ...], size: int) -> list[int]:
        return [step * size if n > 1 else 0 for n, step in zip(over, strides(over), strict=True)]

    return BatchMatmulParams(
        nest(graph, op, batches, steps(over_a, rows * depth), steps(over_b, depth * columns)),
        *(rows, depth, columns),
        *((1, rows) if options.a_transposed else (depth, 1)),
        *((1, depth) if options.b_transposed else (columns, 1)),
        *(a.zero_point, b.zero_point),
        *(multiplier, shift, y.zero_point),
    )


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one inference."""
    options, shape = op.options, graph.tensors[op.inputs[0]].shape
    depth = shape[-2 if isinstance(options, BatchMatmulOptions) and options.a_transposed else -1]
    return graph.tensors[op.outputs[0]].size * depth


OPTIONS = tflite.BuiltinOptions.BatchMatMulOptions
KERNEL = Kernel("batch_matmul")
CALLS = one_call(KERNEL, fold, inputs=2)
BATCH_MATMUL = OpKind("batch_matmul", "BATCH_MATMUL", OPTIONS, parse, CALLS, macs)
