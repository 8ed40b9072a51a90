"""RESIZE_BILINEAR, the kernel `resize_bilinear_s8`: between which rows and columns each output lies is found here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Events, Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.resize_nearest import ResizeOptions

ONE = 1 << 10  # of TFLM's fixed-point places


@dataclass(frozen=True, eq=False)
class ResizeBilinearParams(Params):
    """The members of `resize_bilinear_params`."""

    c_type: ClassVar[str] = "resize_bilinear_params"
    members: ClassVar[tuple[str, ...]] = ("rows", "columns", "y_h", "y_w", "x_c")

    rows: NDArray[np.int32]  # (y_h, 3): where both rows begin in x, 1024ths to the second; a batch is one high image
    columns: NDArray[np.int32]  # (y_w, 3): the same for the pixels in their row
    x_c: int

    @property
    def y_h(self) -> int:
        """Rows of y."""
        return len(self.rows)

    @property
    def y_w(self) -> int:
        """Columns of y."""
        return len(self.columns)


def parse(table: Any) -> ResizeOptions:
    """The options out of the flatbuffer."""
    options = tflite.ResizeBilinearOptions()
    options.Init(table.Bytes, table.Pos)
    return ResizeOptions(bool(options.AlignCorners()), bool(options.HalfPixelCenters()))


def neighbours(size: int, x_size: int, options: ResizeOptions) -> list[tuple[int, int, int]]:
    """For each of `size` outputs along an axis (first, second, way to the second in 1024ths); as in TFLM.

    After `ResizeBilinearInteger` (reference/resize_bilinear.h).
    """
    whole, parts = (x_size - 1, size - 1) if options.align_corners and size > 1 else (x_size, size)
    scale = (ONE * whole + parts // 2) // parts
    found = []
    for k in range(size):
        at = k * scale + (scale // 2 - ONE // 2 if options.half_pixel_centers else 0)
        first = max(at, 0) // ONE
        second = min((max(at, 0) + ONE - 1) // ONE, x_size - 1)
        found.append((first, second, at - ONE * first if second > first else 0))
    return found


def fold(graph: Graph, op: Op) -> ResizeBilinearParams:
    """The tables."""
    options = op.options
    assert isinstance(options, ResizeOptions)
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.images(graph, op, op.inputs[0])
    y = operands.images(graph, op, op.outputs[0])
    size = operands.integers(graph, op, op.inputs[1], 1, 65535)
    if (x.shape[0], *size, x.shape[3]) != y.shape:
        raise graph.refusal(op, f"size {size} does not turn {x.shape} into {y.shape}; export the model again")
    if options.align_corners and options.half_pixel_centers:
        raise graph.refusal(op, "it aligns both corners and centres, which TFLM refuses; choose one of them")
    n, x_h, x_w, x_c = x.shape
    rows, columns = neighbours(y.shape[1], x_h, options), neighbours(y.shape[2], x_w, options)
    if max(first for first, _, _ in rows) >= x_h or max(first for first, _, _ in columns) >= x_w:
        raise graph.refusal(op, f"from {x.shape} to {y.shape} TFLM reads beyond the image; resize in two steps")

    rows = [(first + k * x_h, second + k * x_h, way) for k in range(n) for first, second, way in rows]

    def table(places: list[tuple[int, int, int]], step: int) -> NDArray[np.int32]:
        return (np.array(places) * (step, step, 1)).astype(np.int32)

    return ResizeBilinearParams(table(rows, x_w * x_c), table(columns, x_c), x_c)


def events(params: ResizeBilinearParams) -> Events:
    """How often it does each thing that has a price: pixels, bytes."""
    pixels = params.y_h * params.y_w
    return pixels, pixels * params.x_c


KERNEL = Kernel("resize_bilinear", events=events)
RESIZE_BILINEAR = OpKind(
    "resize_bilinear",
    "RESIZE_BILINEAR",
    tflite.BuiltinOptions.ResizeBilinearOptions,
    parse,
    one_call(KERNEL, fold),
    no_macs,
)
