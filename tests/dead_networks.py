"""Random int8 networks, written without TensorFlow, in which many channels are dead: constant, or read by nobody.

A network is a chain of the ops that channels go through one by one, with branches that meet again, so that what is left
out in one place has to be left out in others. Quantization is now and then extreme.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from every_op import schema_options as options
from layers import Case, Shape, inputs_for, window_output

from tinyproof.export.tflite_writer import ModelBuilder

EXTREME = (2.0**-26, 2.0**-23, 0.7, 1.5, 6.0)  # output steps for a step of the accumulator, beside the usual


class DeadNetwork:
    """A network in the making; `x` is the tensor that the next op reads."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.b = ModelBuilder()
        self.extreme = self.rng.random() < 0.3
        self.side = int(self.rng.integers(5, 11))
        self.shape: Shape = (1, self.side, int(self.rng.integers(5, 11)), int(self.rng.choice([1, 3, 4, 8])))
        self.first_shape = self.shape
        self.zero_point = int(self.rng.choice([-128, 0, 3]))
        self.scale = 0.5
        self.first = self.x = self.b.tensor(self.shape, self.scale, self.zero_point)

    def case(self) -> Case:
        """The model, and what to try."""
        self.conv(kernel=int(self.rng.choice([1, 3])))
        steps = [self.conv, self.conv, self.depthwise, self.depthwise, self.pool, self.residual, self.joined, self.pad]
        steps += [self.function, self.gate, self.constant, self.maximum]
        for _ in range(int(self.rng.integers(2, 8))):
            steps[self.rng.integers(len(steps))]()
        (self.flat, self.mean, self.conv)[self.rng.integers(3)]()
        return Case(self.b.build([self.first], [self.x]), inputs_for(self.first_shape, int(self.rng.integers(2**31))))

    def tensor(self, shape: Shape, scale: float | None = None, zero_point: int | None = None) -> int:
        self.shape, self.scale = shape, scale or self.scale
        self.zero_point = self.zero_point if zero_point is None else zero_point
        return self.b.tensor(shape, self.scale, self.zero_point)

    def linear(self, channels: int, taps: Shape, axis: int) -> tuple[list[int], float]:
        """Weights (channels, ...) and bias, some channels dead in one way or another; and the scale of the output."""
        rng = self.rng
        weights = rng.integers(-127, 128, (channels, *taps))
        dead = rng.random(channels) < rng.choice([0, 0.3, 0.6, 1.0], p=[0.2, 0.4, 0.35, 0.05])
        kinds = rng.integers(4, size=channels)  # no weights, tiny ones, tiny scales, a bias that decides
        weights[dead & (kinds == 0)] = 0
        weights[dead & (kinds == 1)] = rng.integers(-1, 2, (channels, *taps))[dead & (kinds == 1)]
        scales = np.where(dead & (kinds == 1), 1e-4, 1.0) * rng.uniform(0.3, 1, channels)
        scales = np.where(dead & (kinds == 2), 2.0 ** rng.uniform(-31, -18, channels), scales)
        spread = 75 * np.sqrt(np.prod(taps)) * 70
        real = 100 / spread
        if self.extreme and rng.random() < 0.5:
            some = rng.random(channels) < 0.3
            scales = np.where(some, rng.choice(EXTREME, channels) / real, scales)
        bias = np.rint(rng.normal(size=channels) * spread * 0.4).astype(np.int64)
        unit = scales  # of the usual ones about 1
        bias = np.where(dead & (kinds > 0), np.rint(bias / np.maximum(unit, 2.0**-12)), bias)
        bias = np.where(dead & (kinds == 3), rng.choice([-1, 1], channels) * spread * 40 / np.maximum(unit, 1e-2), bias)
        bias = np.clip(bias, -(2**27), 2**27).astype(np.int32)
        y_scale = float(np.float32(rng.uniform(0.2, 1)))
        scales = scales * real * y_scale / self.scale
        values = weights.astype(np.int8)
        values = np.ascontiguousarray(np.moveaxis(values, 0, 2))[None] if axis == 3 else values
        w_scales = np.float32(scales)
        operands = [self.b.constant(values, list(w_scales), axis=axis)]
        if rng.random() < 0.85:
            operands.append(self.b.constant(bias, list(np.float32(self.scale) * w_scales)))
        return operands, y_scale

    def activation(self) -> str:
        return str(self.rng.choice(["RELU", "RELU", "RELU6", "NONE"]))

    def conv(self, kernel: int | None = None, filters: int | None = None, same: bool = False) -> None:
        rng, (_, h, w, c) = self.rng, self.shape
        kernel = kernel or int(rng.choice([1, 1, 3, 2]))
        kernel = min(kernel, h, w)
        padding = "SAME" if same else str(rng.choice(["SAME", "VALID"]))
        stride = (1, 1) if same else (int(rng.choice([1, 1, 2])),) * 2
        filters = filters or int(rng.choice([4, 7, 8, 12, 16]))
        x = self.x
        operands, y_scale = self.linear(filters, (kernel, kernel, c), 0)
        y_h, y_w = window_output((h, w), (kernel, kernel), stride, padding)
        self.x = self.tensor((1, y_h, y_w, filters), y_scale, int(rng.choice([-128, -128, 5])))
        self.b.conv2d([x, *operands], self.x, stride, (1, 1), padding, self.activation())

    def depthwise(self) -> None:
        rng, (_, h, w, c) = self.rng, self.shape
        kernel = min(int(rng.choice([1, 3, 3])), h, w)
        padding, stride = str(rng.choice(["SAME", "VALID"])), (int(rng.choice([1, 2])),) * 2
        multiplier = int(rng.choice([1, 1, 2]))
        x = self.x
        operands, y_scale = self.linear(c * multiplier, (kernel, kernel), 3)
        y_h, y_w = window_output((h, w), (kernel, kernel), stride, padding)
        self.x = self.tensor((1, y_h, y_w, c * multiplier), y_scale, int(rng.choice([-128, -128, 5])))
        self.b.depthwise_conv2d([x, *operands], self.x, stride, (1, 1), padding, self.activation())

    def pool(self) -> None:
        rng, (_, h, w, c) = self.rng, self.shape
        kernel = (min(2, h), min(int(rng.integers(1, 3)), w))
        padding = str(rng.choice(["SAME", "VALID"]))
        x = self.x
        self.x = self.tensor((1, *window_output((h, w), kernel, (2, 2), padding), c))
        (self.b.max_pool2d, self.b.average_pool2d)[rng.integers(2)](x, self.x, kernel, (2, 2), padding)

    def _two(self, name: str, a: int, b: int, shape: Shape, scale: float) -> None:
        chosen = None
        if name in ("ADD", "SUB", "MUL"):
            kind = getattr(schema.ActivationFunctionType, self.activation())
            chosen = options(f"{name.title()}OptionsT", fusedActivationFunction=kind)
        self.x = self.tensor(shape, scale, int(self.rng.choice([-128, 0])))
        self.b.op(name, [a, b] if self.rng.random() < 0.5 else [b, a], [self.x], chosen)

    def residual(self) -> None:
        start, scale, zero_point = self.x, self.scale, self.zero_point
        shape = self.shape
        self.conv(3, shape[3], same=True)
        branch, branch_scale = self.x, self.scale
        if self.rng.random() < 0.4:
            self.x, self.shape, self.scale, self.zero_point = start, shape, scale, zero_point
            self.conv(1, shape[3], same=True)
            start, scale = self.x, self.scale
        self._two(str(self.rng.choice(["ADD", "ADD", "SUB"])), start, branch, shape, max(scale, branch_scale))

    def maximum(self) -> None:
        """With a constant number for each channel."""
        x, zero_point = self.x, self.zero_point
        values = self.rng.integers(-128, 128, self.shape[3:], np.int8)
        other = self.b.constant(values, [self.scale], [zero_point])
        self._two(str(self.rng.choice(["MAXIMUM", "MINIMUM"])), x, other, self.shape, self.scale)

    def constant(self) -> None:
        shape = self.shape[3:] if self.rng.random() < 0.7 else (1,)
        other = self.b.constant(self.rng.integers(-128, 128, shape, np.int8), [self.scale], [3])
        self._two(str(self.rng.choice(["ADD", "MUL"])), self.x, other, self.shape, self.scale * 4)

    def joined(self) -> None:
        """Two branches side by side, of one quantization; or one above the other."""
        start, shape, scale, zero_point = self.x, self.shape, self.scale, self.zero_point
        axis = int(self.rng.choice([3, 3, 1]))
        pieces = []
        for _ in range(int(self.rng.integers(1, 3))):
            self.x, self.shape, self.scale, self.zero_point = start, shape, scale, zero_point
            self.conv(1, shape[3] if axis == 1 else None, same=True)
            x = self.x
            self.x = self.tensor(self.shape, scale, zero_point)
            self.b.op("QUANTIZE", [x], [self.x])
            pieces.append(self.x)
        pieces.append(start)
        length = sum(self.b._tensors[k].shape[axis] for k in pieces)
        self.x = self.tensor((*shape[:axis], length, *shape[axis + 1 :]), scale, zero_point)
        self.b.op("CONCATENATION", pieces, [self.x], options("ConcatenationOptionsT", axis=axis))

    def pad(self) -> None:
        x, (_, h, w, c) = self.x, self.shape
        around = self.rng.integers(0, 2, 4)
        paddings = np.array([[0, 0], around[:2], around[2:], [0, 0]], np.int32)
        self.x = self.tensor((1, h + int(around[:2].sum()), w + int(around[2:].sum()), c))
        self.b.op("PAD", [x, self.b.constant(paddings, None)], [self.x])

    def function(self) -> None:
        x, name = self.x, str(self.rng.choice(["RELU", "LOGISTIC", "QUANTIZE", "TANH"]))
        scale, zero_point = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(name, (self.scale * 2, 7))
        self.x = self.tensor(self.shape, scale, zero_point)
        self.b.op(name, [x], [self.x])

    def gate(self) -> None:
        """Squeeze and excite."""
        start, shape, scale, zero_point = self.x, self.shape, self.scale, self.zero_point
        axes = self.b.constant(np.array([1, 2], np.int32), None)
        self.x = self.tensor((1, 1, 1, shape[3]))
        self.b.op("MEAN", [start, axes], [self.x], options("ReducerOptionsT", keepDims=True))
        self.conv(1, 4, same=True)
        self.conv(1, shape[3], same=True)
        squeezed = self.x
        gate = self.b.tensor(self.shape, 1 / 256, -128)
        self.b.op("LOGISTIC", [squeezed], [gate])
        self.scale, self.zero_point = scale, zero_point
        self._two("MUL", start, gate, shape, scale)

    def flat(self) -> None:
        x, count = self.x, int(np.prod(self.shape))
        self.x = self.tensor((1, count))
        shape = self.b.constant(np.array([1, count], np.int32), None)
        self.b.op("RESHAPE", [x, shape], [self.x], options("ReshapeOptionsT", newShape=[1, count]))
        self.dense()

    def mean(self) -> None:
        x = self.x
        self.x = self.tensor((1, self.shape[3]))
        axes = self.b.constant(np.array([1, 2], np.int32), None)
        self.b.op("MEAN", [x, axes], [self.x], options("ReducerOptionsT", keepDims=False))
        self.dense()

    def dense(self) -> None:
        for outputs in (int(self.rng.choice([8, 9])), 5):
            x = self.x
            operands, y_scale = self.linear(outputs, self.shape[1:], 0)
            self.x = self.tensor((1, outputs), y_scale, -128)
            self.b.dense([x, *operands], self.x, self.activation())


def dead_network(seed: int) -> Case:
    """The network of a seed."""
    return DeadNetwork(seed).case()
