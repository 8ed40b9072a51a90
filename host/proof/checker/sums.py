"""What TensorFlow Lite Micro computes in MEAN, SUM and BATCH_MATMUL: sums of computed bytes and their way to one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arithmetic import INT32_MAX, Ints, ints, quantize_multiplier, stage
from .findings import NotCovered
from .ops import one_scale
from .tflite_model import Model, Op


@dataclass(frozen=True, eq=False)
class Mean:
    """MEAN or SUM: of so many bytes along `axes`, less their zero points, times multiplier and shift."""

    axes: tuple[int, ...]
    count: int
    x_zero: int
    multiplier: int
    shift: int
    y_zero: int

    def way(self, sums: Ints) -> Ints:
        """From sums of bytes (1, n) to output bytes; it never falls."""
        to = stage(ints([self.multiplier]), ints([self.shift]), self.y_zero, -128, 127)
        return to(sums - self.count * self.x_zero)


def reduced_axes(model: Model, op: Op) -> tuple[int, ...]:
    """Along which axes an op takes all elements together."""
    dimensions, axes = len(model.tensors[op.inputs[0]].shape), model.tensors[op.inputs[1]].data
    if axes is None or not dimensions:
        raise NotCovered("axes computed at run time")
    if any(not -dimensions <= int(axis) < dimensions for axis in axes.reshape(-1)):
        raise NotCovered("axes that its input does not have")
    return tuple(sorted({int(axis) % dimensions for axis in axes.reshape(-1)}))


def mean(model: Model, op: Op) -> Mean:
    """The op, whose division is in the multiplier (`QuantizedMeanOrSum`)."""
    x, y, gone = model.tensors[op.inputs[0]], model.tensors[op.outputs[0]], reduced_axes(model, op)
    (x_scale, x_zero), (y_scale, y_zero) = one_scale(x), one_scale(y)
    count = int(np.prod([x.shape[axis] for axis in gone]))
    multiplier, shift = quantize_multiplier(x_scale / y_scale)
    if 255 * count * 2 ** max(shift, 0) + 256 > INT32_MAX or count * int(np.prod(y.shape)) != int(np.prod(x.shape)):
        raise NotCovered("sums that may leave 32 bits, or another shape")
    if op.name == "MEAN":
        halvings = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << halvings) // count, shift - halvings
    return Mean(gone, count, x_zero, multiplier, shift, y_zero)


@dataclass(frozen=True, eq=False)
class Products:
    """BATCH_MATMUL: sums of so many products, and their way to a byte."""

    a_shape: tuple[int, ...]
    b_shape: tuple[int, ...]
    transposed: tuple[bool, bool]
    zeros: tuple[int, int]
    most: int  # what no sum exceeds
    multiplier: int
    shift: int
    y_zero: int

    def way(self, sums: Ints) -> Ints:
        """From sums (1, n) to output bytes; it never falls."""
        return stage(ints([self.multiplier]), ints([self.shift]), self.y_zero, -128, 127)(sums)

    def rows_of(self, which: str, labels: Ints) -> Ints:
        """(batches, rows or columns, depth): the elements of "a" or "b" that are multiplied, for every batch of y."""
        over = np.broadcast_shapes(self.a_shape[:-2], self.b_shape[:-2])
        turned = self.transposed[0] if which == "a" else not self.transposed[1]
        matrices = np.swapaxes(labels, -1, -2) if turned else labels
        return np.broadcast_to(matrices, (*over, *matrices.shape[-2:])).reshape(-1, *matrices.shape[-2:])


def products(model: Model, op: Op) -> Products:
    """The op, with the proof that its sums fit 32 bits."""
    a, b, y = (model.tensors[k] for k in (*op.inputs, *op.outputs))
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = map(one_scale, (a, b, y))
    turned = bool(op.options.get("a_transposed", 0)), bool(op.options.get("b_transposed", 0))
    if min(len(a.shape), len(b.shape)) < 2:
        raise NotCovered("operands of another shape")
    rows, depth = a.shape[-2:][:: -1 if turned[0] else 1]
    b_depth, columns = b.shape[-2:][:: -1 if turned[1] else 1]
    if depth != b_depth or y.shape != (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), rows, columns):
        raise NotCovered("operands of another shape")
    most = depth * max(127 - a_zero, a_zero + 128) * max(127 - b_zero, b_zero + 128)
    multiplier, shift = quantize_multiplier(a_scale * b_scale / y_scale)
    if (most << max(shift, 0)) + 256 > INT32_MAX:
        raise NotCovered("sums that may leave 32 bits")
    return Products(a.shape, b.shape, turned, (a_zero, b_zero), most, multiplier, shift, y_zero)
