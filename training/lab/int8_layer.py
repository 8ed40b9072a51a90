"""Hand-made filters as one int8 convolution layer: the `.tflite` a device runs, and what it must answer, in NumPy.

A byte of the picture is `pixel - 128`, on both sides: scale 1/255, zero point -128. So int8's own limits are the clamp
to 0..255. Weights are whole numbers -127..127 times one scale for each filter. Where a filter's numbers are multiples
of a common step, as those of nearly all classic ones are, that scale is the step and quantizing loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinyproof.console import UserError
from tinyproof.export.ops.fixed_point import requantize
from tinyproof.export.ops.requantize import quantize_multiplier
from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.training.lab.filters import Filter

SCALE, ZERO_POINT = float(np.float32(1 / 255)), -128
LARGEST_WEIGHT = 127
FINEST = 10**6  # denominator up to which a typed number is taken as the fraction it looks like


@dataclass(frozen=True, eq=False)
class Int8Layer:
    """n filters of one shape: weights int8 (n,h,w), scales float32 (n,), real number = weight * scale."""

    weights: NDArray[np.int8]
    scales: NDArray[np.float32]
    stride: int

    def tflite(self, x_shape: tuple[int, int]) -> bytes:
        """The model for pictures of that (height, width), which the filters must fit on: (1,H,W,1) -> (1,h,w,n)."""
        b = ModelBuilder()
        n, k_h, k_w = self.weights.shape
        x = b.tensor((1, *x_shape, 1), SCALE, ZERO_POINT, name="picture")
        y = b.tensor((1, *self.y_shape(x_shape), n), SCALE, ZERO_POINT, name="filtered")
        weights = b.constant(self.weights.reshape(n, k_h, k_w, 1), self.scales.tolist(), name="filters")
        bias = b.constant(np.zeros(n, np.int32), (self.scales * np.float32(SCALE)).tolist(), name="bias")
        b.conv2d([x, weights, bias], y, stride=(self.stride, self.stride))
        return b.build([x], [y], description="filters made by hand")

    def y_shape(self, x_shape: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what comes out."""
        height, width = ((x - k) // self.stride + 1 for x, k in zip(x_shape, self.weights.shape[1:], strict=True))
        return height, width

    def reference(self, x: NDArray[np.int8]) -> NDArray[np.int8]:
        """x int8 (N,H,W) -> int8 (N,h,w,n), bit for bit what TensorFlow Lite Micro computes.

        acc = sum of (x - zero point) * weight, exact in int32; y = clamp(zero point + requantize(acc)).
        """
        n, k_h, k_w = self.weights.shape
        height, width = self.y_shape((x.shape[1], x.shape[2]))
        pixels = x.astype(np.int64) - ZERO_POINT
        y = np.empty((len(x), height, width, n), np.int8)
        for o in range(n):
            acc = np.zeros((len(x), height, width), np.int64)
            for i in range(k_h):
                for j in range(k_w):
                    down, right = self.stride * (height - 1) + 1, self.stride * (width - 1) + 1
                    seen = pixels[:, i : i + down : self.stride, j : j + right : self.stride]
                    acc += seen * int(self.weights[o, i, j])
            real = np.float64(np.float32(SCALE)) * np.float64(self.scales[o]) / np.float64(np.float32(SCALE))
            y[..., o] = np.clip(ZERO_POINT + requantize(acc, *quantize_multiplier(float(real))), -128, 127)
        return y


def int8_layer(filters: Sequence[Filter], stride: int = 1) -> Int8Layer:
    """The layer of filters that have one shape. UserError if they have not."""
    shapes = {filter_.shape for filter_ in filters}
    if len(shapes) != 1:
        raise UserError("one layer needs filters of one shape, not " + " and ".join(f"{h}x{w}" for h, w in shapes))
    pairs = [quantize(filter_) for filter_ in filters]
    weights = np.array([numbers for numbers, _ in pairs], np.int8)
    return Int8Layer(weights, np.array([scale for _, scale in pairs], np.float32), stride)


def quantize(filter_: Filter) -> tuple[NDArray[np.int8], float]:
    """(weights int8 (h,w), scale) with number * weight of filter = weights * scale, exactly where a step allows it.

    >>> from tinyproof.training.lab.filters import as_filter
    >>> weights, scale = quantize(as_filter("0.5 1 / -1.5 2"))
    >>> weights.tolist(), scale
    ([[1, 2], [-3, 4]], 0.25)
    """
    numbers = filter_.array * math.copysign(1, filter_.weight)
    factor = abs(filter_.weight)
    if not numbers.any() or factor == 0:
        return np.zeros(filter_.shape, np.int8), 1.0
    fractions = [Fraction(number).limit_denominator(FINEST) for number in numbers.flat]
    step = Fraction(
        math.gcd(*(f.numerator * _common(fractions) // f.denominator for f in fractions)), _common(fractions)
    )
    if all(float(f) == number for f, number in zip(fractions, numbers.flat, strict=True)):
        whole = [f / step for f in fractions]
        if max(map(abs, whole)) <= LARGEST_WEIGHT:
            return np.array([int(w) for w in whole], np.int8).reshape(filter_.shape), float(step) * factor
    largest = float(np.abs(numbers).max()) / LARGEST_WEIGHT
    return np.rint(numbers / largest).astype(np.int8), largest * factor


def _common(fractions: Sequence[Fraction]) -> int:
    return math.lcm(*(f.denominator for f in fractions))
