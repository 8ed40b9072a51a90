"""Random int8 models with the kinds of layers that trained ones have, beyond those that are always measured.

A layer alone where its kind is rare or awkward, and whole networks of the usual families. No training: what a layer
costs depends on its shape, not on its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinyproof.export.tflite_writer import ModelBuilder

Pair = tuple[int, int]
SPREAD = 0.009  # of an output for each input, so that bytes fill their range and few saturate


class Net:
    """A chain of layers; every tensor has scale 1 and the zero point -128, as after a ReLU."""

    def __init__(self, shape: tuple[int, ...], seed: int = 1) -> None:
        self._b, self._rng = ModelBuilder(), np.random.default_rng(seed)
        self._first = self._last = self._tensor(shape)

    def _tensor(self, shape: tuple[int, ...]) -> int:
        return self._b.tensor((1, *shape), 1.0, -128)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the last layer's output, without the batch."""
        return self._b.shape(self._last)[1:]

    def _operands(self, filters: int, taps: tuple[int, ...], axis: int) -> list[int]:
        scales = [SPREAD / (prod(taps) / filters) ** 0.5] * filters
        weights = self._b.constant(self._rng.integers(-127, 128, taps, np.int8), scales, axis=axis)
        return [self._last, weights, self._b.constant(self._rng.integers(-999, 999, filters, np.int32), scales)]

    def _output(self, filters: int, kernel: Pair, stride: Pair, padding: str) -> int:
        sizes = zip(self.shape[:2], kernel, stride, strict=True)
        same = padding == "SAME"
        return self._tensor((*(-(-n // s) if same else (n - k) // s + 1 for n, k, s in sizes), filters))

    def conv(self, filters: int, kernel: Pair = (1, 1), stride: int = 1, padding: str = "SAME", groups: int = 1) -> Net:
        """CONV_2D with a ReLU."""
        operands = self._operands(filters, (filters, *kernel, self.shape[2] // groups), axis=0)
        y = self._output(filters, kernel, (stride, stride), padding)
        self._b.conv2d(operands, y, (stride, stride), padding=padding, activation="RELU")
        self._last = y
        return self

    def depthwise(self, kernel: Pair = (3, 3), stride: int = 1, multiplier: int = 1, padding: str = "SAME") -> Net:
        """DEPTHWISE_CONV_2D with a ReLU."""
        filters = self.shape[2] * multiplier
        operands = self._operands(filters, (1, *kernel, filters), axis=3)
        y = self._output(filters, kernel, (stride, stride), padding)
        self._b.depthwise_conv2d(operands, y, (stride, stride), padding=padding, activation="RELU")
        self._last = y
        return self

    def residual(self, expanded: int, kernel: Pair = (3, 3)) -> Net:
        """An inverted residual block of as many channels as there are."""
        x, channels = self._last, self.shape[2]
        self.conv(expanded).depthwise(kernel).conv(channels)
        y = self._tensor(self.shape)
        self._b.op("ADD", [x, self._last], [y], schema.AddOptionsT())
        self._last = y
        return self

    def dense(self, outputs: int) -> Net:
        """FULLY_CONNECTED."""
        inputs = prod(self.shape)
        scale = SPREAD / inputs**0.5
        weights = self._b.constant(self._rng.integers(-127, 128, (outputs, inputs), np.int8), [scale])
        bias = self._b.constant(self._rng.integers(-999, 999, outputs, np.int32), [scale])
        y = self._tensor((outputs,))
        self._b.dense([self._last, weights, bias], y, activation="RELU")
        self._last = y
        return self

    def model(self) -> bytes:
        """The `.tflite`."""
        return self._b.build([self._first], [self._last])


def _mobilenet_v1(side: int = 96, width: int = 8) -> Net:
    net = Net((side, side, 3)).conv(width, (3, 3), 2)
    for stride, factor in ((1, 2), (2, 4), (1, 4), (2, 8), (1, 8), (2, 16), (1, 16), (1, 16), (2, 32), (1, 32)):
        net.depthwise(stride=stride).conv(width * factor)
    return net.dense(2)


def _mobilenet_v2(side: int = 96) -> Net:
    net = Net((side, side, 3)).conv(16, (3, 3), 2).depthwise().conv(8)
    for channels, stride in ((8, 2), (16, 2), (24, 2)):
        net.conv(6 * net.shape[2]).depthwise(stride=stride).conv(channels).residual(6 * channels)
    return net.conv(112).dense(2)


def _fomo(side: int = 96) -> Net:
    net = Net((side, side, 1)).conv(16, (3, 3), 2).depthwise().conv(8)
    for channels, stride in ((8, 2), (16, 2)):
        net.conv(6 * net.shape[2]).depthwise(stride=stride).conv(channels).residual(6 * channels)
    return net.conv(32).conv(2)


KINDS: dict[str, Callable[[], Net]] = {
    "depthwise 3x3": lambda: Net((12, 12, 48)).depthwise(),
    "depthwise 3x3, stride 2": lambda: Net((24, 24, 32)).depthwise(stride=2),
    "depthwise 5x5": lambda: Net((12, 12, 48)).depthwise((5, 5)),
    "depthwise 5x5, stride 2": lambda: Net((24, 24, 24)).depthwise((5, 5), 2),
    "depthwise 7x7": lambda: Net((12, 12, 48)).depthwise((7, 7)),
    "depthwise 7x7, all of the image": lambda: Net((7, 7, 256)).depthwise((7, 7), padding="VALID"),
    "depthwise 3x3, stride 3": lambda: Net((25, 25, 32)).depthwise(stride=3, padding="VALID"),
    "depthwise 5x1": lambda: Net((28, 1, 128)).depthwise((5, 1), padding="VALID"),
    "depthwise, 1 channel to 8": lambda: Net((49, 40, 1)).depthwise((10, 8), 2, 8),
    "depthwise, 2 of each channel": lambda: Net((12, 12, 24)).depthwise(multiplier=2),
    "depthwise, 37 channels": lambda: Net((12, 12, 37)).depthwise(),
    "conv 3x3, 8 groups of 8": lambda: Net((12, 12, 64)).conv(64, (3, 3), groups=8),
    "conv 9x3, 48 to 128": lambda: Net((9, 9, 48)).conv(128, (9, 3)),
    "conv 3x3, stride 2, 3 to 8": lambda: Net((96, 96, 3)).conv(8, (3, 3), 2),
    "conv 1x1, 8 to 16": lambda: Net((48, 48, 8)).conv(16),
    "conv 1x1, 61 to 35": lambda: Net((12, 12, 61)).conv(35),
    "conv 3x3, 32 to 1": lambda: Net((24, 24, 32)).conv(1, (3, 3)),
    "dense, 128 to 640": lambda: Net((128,)).dense(640),
    "MobileNetV1-like": _mobilenet_v1,
    "MobileNetV2-like": _mobilenet_v2,
    "FOMO-like": _fomo,
}
