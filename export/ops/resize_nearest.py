"""RESIZE_NEAREST_NEIGHBOR, the kernel `resize_nearest_s8`: the row and column each output takes are found here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyproof.export.graph import Graph, Op, OpOptions
from tinyproof.export.ops import operands
from tinyproof.export.ops.kind import Events, Kernel, OpKind, Params, no_macs, one_call
from tinyproof.export.ops.requantize import round_half_away


@dataclass(frozen=True)
class ResizeOptions(OpOptions):
    """As in the file, of both ways to resize."""

    align_corners: bool
    half_pixel_centers: bool


FEW = 6  # bytes, which the kernel copies one by one


@dataclass(frozen=True, eq=False)
class ResizeNearestParams(Params):
    """The members of `resize_nearest_params`."""

    c_type: ClassVar[str] = "resize_nearest_params"
    members: ClassVar[tuple[str, ...]] = ("rows", "columns", "y_h", "y_w", "x_c")

    rows: NDArray[np.int32]  # (y_h,): where the row begins in x; a batch is one high image
    columns: NDArray[np.int32]  # (y_w,): where the pixel begins in its row
    x_c: int

    @property
    def y_h(self) -> int:
        """Rows of y."""
        return int(self.rows.size)

    @property
    def y_w(self) -> int:
        """Columns of y."""
        return int(self.columns.size)


def parse(table: Any) -> ResizeOptions:
    """The options out of the flatbuffer."""
    options = tflite.ResizeNearestNeighborOptions()
    options.Init(table.Bytes, table.Pos)
    return ResizeOptions(bool(options.AlignCorners()), bool(options.HalfPixelCenters()))


def nearest(size: int, x_size: int, options: ResizeOptions) -> list[int]:
    """For each of `size` outputs along an axis the input it takes; in float32 as TFLM (resize_nearest_neighbor.h)."""
    if options.align_corners and size > 1:
        scale = np.float32(x_size - 1) / np.float32(size - 1)
    else:
        scale = np.float32(x_size) / np.float32(size)
    centre = np.float32(0.5 if options.half_pixel_centers else 0)
    places = [(np.float32(k) + centre) * scale for k in range(size)]
    whole = [round_half_away(float(at)) if options.align_corners else int(np.floor(at)) for at in places]
    return [max(min(k, x_size - 1), 0) for k in whole]


def fold(graph: Graph, op: Op) -> ResizeNearestParams:
    """The tables."""
    options = op.options
    assert isinstance(options, ResizeOptions)
    operands.check_arity(graph, op, inputs=(2,))
    x = operands.images(graph, op, op.inputs[0])
    y = operands.images(graph, op, op.outputs[0])
    size = operands.integers(graph, op, op.inputs[1], 1, 65535)
    if (x.shape[0], *size, x.shape[3]) != y.shape:
        raise graph.refusal(op, f"size {size} does not turn {x.shape} into {y.shape}; export the model again")
    n, x_h, x_w, x_c = x.shape
    rows, columns = nearest(y.shape[1], x_h, options), nearest(y.shape[2], x_w, options)
    in_batch = np.add.outer(np.arange(n) * x_h, rows).ravel().astype(np.int32)
    return ResizeNearestParams(in_batch * x_w * x_c, np.array(columns, np.int32) * x_c, x_c)


def events(params: ResizeNearestParams) -> Events:
    """How often it does each thing that has a price: pixels and bytes of rows that are made, where pixels are few bytes
    and where they are more; rows that are the one before again, and their bytes.
    """
    again = int(np.count_nonzero(np.diff(params.rows) == 0))
    pixels, row = (params.y_h - again) * params.y_w, params.y_w * params.x_c
    made = pixels, pixels * params.x_c
    return (*(made if params.x_c <= FEW else (0, 0)), *(made if params.x_c > FEW else (0, 0)), again, again * row)


KERNEL = Kernel("resize_nearest", events=events)
RESIZE_NEAREST = OpKind(
    "resize_nearest",
    "RESIZE_NEAREST_NEIGHBOR",
    tflite.BuiltinOptions.ResizeNearestNeighborOptions,
    parse,
    one_call(KERNEL, fold),
    no_macs,
)
