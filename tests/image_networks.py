"""Random networks of layers that go through images row by row, with branches that meet again."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from every_op import schema_options as options

from tinyproof.export.tflite_writer import ModelBuilder

SPREAD = 0.009  # of an output for each input, so that bytes fill their range


class ImageNetwork:
    """Layers of which each reads images made before; every tensor has scale 1."""

    def __init__(self, seed: int, layers: int = 7) -> None:
        self.b, self.rng = ModelBuilder(), np.random.default_rng(seed)
        self.zero_points: dict[int, int] = {}
        self.input = self.last = self.image((self.number(8, 30), self.number(3, 12), self.number(1, 9)))
        self.images = [self.last]
        for _ in range(layers):
            makers = [self.conv, self.conv, self.depthwise, self.pool, self.add, self.join, self.larger, self.lookup]
            makers += [self.moved]
            self.last = makers[self.rng.integers(len(makers))]() or self.conv()
            self.images.append(self.last)

    def model(self) -> bytes:
        """The `.tflite`."""
        return self.b.build([self.input], [self.last])

    def number(self, least: int, most: int) -> int:
        return int(self.rng.integers(least, most + 1))

    def image(self, shape: tuple[int, ...], zero_point: int | None = None, scale: float = 1.0) -> int:
        zero_point = int(self.rng.choice([-128, -128, -3, 50])) if zero_point is None else zero_point
        tensor = self.b.tensor((1, *shape), scale, zero_point)
        self.zero_points[tensor] = zero_point
        return tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return self.b.shape(self.last)[1:]

    def window(self, most: int) -> tuple[tuple[int, int], tuple[int, int], str, tuple[int, ...]]:
        """Kernel, stride, padding and the size of the output."""
        sides = self.shape[:2]
        padding = str(self.rng.choice(["SAME", "SAME", "VALID"]))
        kernel = (3, 3) if self.rng.random() < 0.5 else (self.number(1, most), self.number(1, most))
        kernel = tuple(min(k, n) for k, n in zip(kernel, sides, strict=True))
        stride = (1, 1) if min(sides) < 6 or self.rng.random() < 0.6 else (self.number(1, 2), self.number(1, 2))
        same = padding == "SAME"
        sizes = zip(sides, kernel, stride, strict=True)
        return kernel, stride, padding, tuple(-(-n // s) if same else (n - k) // s + 1 for n, k, s in sizes)

    def weights(self, filters: int, taps: tuple[int, ...], axis: int) -> list[int]:
        scales = [SPREAD / (np.prod(taps) / filters) ** 0.5] * filters
        values = self.b.constant(self.rng.integers(-127, 128, taps, np.int8), scales, axis=axis)
        return [values, self.b.constant(self.rng.integers(-999, 999, filters, np.int32), scales)]

    def conv(self) -> int:
        kernel, stride, padding, size = (1, 1), (1, 1), "SAME", self.shape[:2]
        if self.rng.random() < 0.6:
            kernel, stride, padding, size = self.window(5)
        filters = int(self.rng.choice([1, 4, 8, 8, 13]))
        y = self.image((*size, filters))
        operands = [self.last, *self.weights(filters, (filters, *kernel, self.shape[2]), 0)]
        self.b.conv2d(operands, y, stride, padding=padding)
        return y

    def depthwise(self) -> int:
        kernel, stride, padding, size = self.window(5)
        filters = self.shape[2] * int(self.rng.choice([1, 1, 1, 2]))
        y = self.image((*size, filters))
        self.b.depthwise_conv2d(
            [self.last, *self.weights(filters, (1, *kernel, filters), 3)], y, stride, padding=padding
        )
        return y

    def pool(self) -> int:
        kernel, stride, padding, size = self.window(3)
        if self.rng.random() < 0.5 and min(self.shape[:2]) >= 4:
            kernel, stride, padding, size = (2, 2), (2, 2), "VALID", tuple(n // 2 for n in self.shape[:2])
        y = self.image((*size, self.shape[2]), self.zero_points[self.last])
        (self.b.max_pool2d if self.rng.random() < 0.6 else self.b.average_pool2d)(self.last, y, kernel, stride, padding)
        return y

    def add(self) -> int | None:
        others = [x for x in self.images if self.b.shape(x) == self.b.shape(self.last)]
        y = self.image(self.shape)
        self.b.op("ADD", [others[self.rng.integers(len(others))], self.last], [y], schema.AddOptionsT())
        return y

    def join(self) -> int | None:
        """CONCATENATION of channels with those of an image made before."""
        zero_point, shape = self.zero_points[self.last], self.b.shape(self.last)
        others = [x for x in self.images if self.b.shape(x)[:3] == shape[:3] and self.zero_points[x] == zero_point]
        other = others[self.rng.integers(len(others))]
        if shape[3] + self.b.shape(other)[3] > 24:
            return None
        y = self.image((*shape[1:3], shape[3] + self.b.shape(other)[3]), zero_point)
        self.b.op("CONCATENATION", [self.last, other], [y], options("ConcatenationOptionsT", axis=3))
        return y

    def larger(self) -> int | None:
        """Twice as high and wide, by the nearest pixels or by a transposed convolution."""
        h, w, channels = self.shape
        if h * w > 200:
            return None
        size = self.b.constant(np.array([2 * h, 2 * w], np.int32), None)
        if self.rng.random() < 0.5:
            y = self.image((2 * h, 2 * w, channels), self.zero_points[self.last])
            self.b.op("RESIZE_NEAREST_NEIGHBOR", [self.last, size], [y], options("ResizeNearestNeighborOptionsT"))
            return y
        side = self.number(2, 4)
        y = self.image((2 * h, 2 * w, 6))
        shape = self.b.constant(np.array([1, 2 * h, 2 * w, 6], np.int32), None)
        weights, bias = self.weights(6, (6, side, side, channels), 0)
        chosen = options("TransposeConvOptionsT", padding=schema.Padding.SAME, strideH=2, strideW=2)
        self.b.op("TRANSPOSE_CONV", [shape, weights, self.last, bias], [y], chosen)
        return y

    def lookup(self) -> int:
        if self.rng.random() < 0.5:
            y = self.image(self.shape, -128, 1 / 256)
            self.b.op("LOGISTIC", [self.last], [y])
            z = self.image(self.shape)
            self.b.op("QUANTIZE", [y], [z], schema.QuantizeOptionsT())
            return z
        z = self.image(self.shape)
        self.b.op("RELU", [self.last], [z])
        return z

    def moved(self) -> int:
        """Rows or columns mirrored at the border, taken in any order or reversed, or rows of zeros around them."""
        sides, zero_point = list(self.shape[:2]), self.zero_points[self.last]
        kind, axis = self.number(0, 3), self.number(0, 1)
        if kind in (0, 3):
            name = "MIRROR_PAD" if kind == 0 else "PAD"
            margins = [self.number(0, min(2, side - 1)) for side in (sides[0], sides[0], sides[1], sides[1])]
            y = self.image((sides[0] + sum(margins[:2]), sides[1] + sum(margins[2:]), self.shape[2]), zero_point)
            pairs = self.b.constant(np.array([0, 0, *margins, 0, 0], np.int32).reshape(4, 2), None)
            self.b.op(name, [self.last, pairs], [y], options("MirrorPadOptionsT", mode=0) if kind == 0 else None)
            return y
        if kind == 1:
            taken = self.rng.integers(0, sides[axis], self.number(1, 2 * sides[axis]))
            sides[axis] = len(taken)
            indexes = self.b.constant(taken.astype(np.int32), None)
            y = self.image((*sides, self.shape[2]), zero_point)
            self.b.op("GATHER", [self.last, indexes], [y], options("GatherOptionsT", axis=1 + axis))
            return y
        y = self.image(self.shape, zero_point)
        self.b.op("REVERSE_V2", [self.last, self.b.constant(np.array([1 + axis], np.int32), None)], [y])
        return y
