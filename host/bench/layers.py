"""Random layers of every kind that a kernel has a price for; `host.bench.calibrate` counts what they cost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.random import Generator

from tinyproof.export.tflite_writer import ModelBuilder

ACCUMULATOR_STEP = 0.002  # of the output: a gain that the packed kernels take
PLAIN_STEP = 400.0  # one that no weight of theirs makes up for

Source = Callable[..., int]  # (shape, scale, zero point of 0 or another) -> the tensor that a layer reads
LayerKind = tuple[Callable[[ModelBuilder, Generator, Source], int], int]  # one that is added, how often to a model


def _linear(
    b: ModelBuilder, rng: Generator, channels: int, taps: tuple[int, ...], axis: int = 0, plain: bool = False
) -> list[int]:
    """Weights and bias; `plain`: of the first filter a step of the sum is worth more of the output than fast kernels
    take, and it has one weight, lest sums overflow.
    """
    weights = rng.integers(-127, 128, taps, np.int8)
    scales = [1.0] * channels
    if plain:
        weights[0] = 0
        weights[0].reshape(-1)[0] = 127
        scales[0] = PLAIN_STEP / ACCUMULATOR_STEP
    bias = rng.integers(-99, 99, channels, np.int32)
    bias[0] = -1 if plain else bias[0]  # with which not all inputs give one byte
    return [b.constant(weights, scales, axis=axis), b.constant(bias, scales)]


def _conv2d(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    side = [int(n) for n in rng.integers(7, 25, 2)]
    k = (3, 3) if rng.random() < 0.6 else (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    x_c, y_c = int(rng.choice([1, 1, 2, 3, 3, 5, 6, 4, 8, 16, 24, 32])), int(rng.choice([6, 8, 16, 24, 32]))
    step = int(rng.choice([1, 1, 2]))
    same = rng.random() < 0.6
    out = [-(-n // step) if same else (n - w) // step + 1 for n, w in zip(side, k, strict=True)]
    x = source((1, *side, x_c), 1.0, -128)
    y = b.tensor((1, *out, y_c), 1 / ACCUMULATOR_STEP, -128)
    operands = [x, *_linear(b, rng, y_c, (y_c, *k, x_c), plain=plain)]
    b.conv2d(operands, y, (step, step), (1, 1), "SAME" if same else "VALID", "RELU")
    if plain or step > 1 or rng.random() < 0.5:
        return y
    window = int(rng.choice([2, 2, 2, 3]))
    pooled = b.tensor((1, *(n // window for n in out), y_c), 1 / ACCUMULATOR_STEP, -128)
    b.max_pool2d(y, pooled, (window, window), (window, window))
    return pooled


def _conv2d_of_one_channel(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, y_c = [int(n) for n in rng.integers(7, 29, 2)], int(rng.choice([4, 8, 16, 32, 64]))
    k = (3, 3) if rng.random() < 0.7 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    step, same, pools = int(rng.choice([1, 1, 1, 2, 2, 3])), rng.random() < 0.6, rng.random() < 0.5
    out = [-(-n // step) if same else (n - w) // step + 1 for n, w in zip(side, k, strict=True)]
    x = source((1, *side, 1), 1.0, -128)
    y = b.tensor((1, *out, y_c), 1 / ACCUMULATOR_STEP, -128)
    operands = [x, *_linear(b, rng, y_c, (y_c, *k, 1))]
    b.conv2d(operands, y, (step, step), (1, 1), "SAME" if same else "VALID", "RELU")
    if step > 1 or not pools:
        return y
    pooled = b.tensor((1, *(n // 2 for n in out), y_c), 1 / ACCUMULATOR_STEP, -128)
    b.max_pool2d(y, pooled, (2, 2), (2, 2))
    return pooled


def _inner_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, x_c, y_c = int(rng.integers(8, 21)), int(rng.choice([4, 8, 16, 32, 64])), int(rng.choice([4, 8, 16, 24]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *_linear(b, rng, y_c, (y_c, 3, 3, x_c))], y, padding="SAME", activation="RELU")
    return y


def _pointwise_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, x_c, y_c = int(rng.integers(4, 15)), int(rng.choice([8, 12, 16, 32, 64])), int(rng.choice([4, 8, 10, 16, 32]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *_linear(b, rng, y_c, (y_c, 1, 1, x_c))], y, activation="RELU")
    return y


def _conv2d_of_few(b: ModelBuilder, rng: Generator, source: Source) -> int:
    x_c, y_c, side, k = (int(n) for n in rng.integers((1, 1, 6, 1), (33, 3, 17, 6)))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *_linear(b, rng, y_c, (y_c, k, k, x_c))], y, padding="SAME", activation="RELU")
    return y


def _wide_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """Sums of a filter that leave no room for a second one's."""
    side, x_c, y_c = int(rng.integers(3, 8)), int(rng.choice([64, 72, 80])), int(rng.choice([6, 8, 16]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 20 / ACCUMULATOR_STEP, -128)
    taps = rng.choice(np.array([-127, 127], np.int8), (y_c, 3, 3, x_c))
    b.conv2d([x, b.constant(taps, [1.0] * y_c)], y, padding="SAME", activation="RELU")
    return y


def _grouped_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side = [int(n) for n in rng.integers(6, 14, 2)]
    groups, w_c, k = int(rng.choice([2, 4, 8])), int(rng.choice([2, 4, 8, 16])), int(rng.choice([1, 3]))
    y_c = groups * int(rng.choice([2, 3, 4, 8, 12]))
    x = source((1, *side, groups * w_c), 1.0, -128)
    y = b.tensor((1, *side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *_linear(b, rng, y_c, (y_c, k, k, w_c))], y, padding="SAME", activation="RELU")
    if rng.random() < 0.7:
        return y
    pooled = b.tensor((1, *(n // 2 for n in side), y_c), 1 / ACCUMULATOR_STEP, -128)
    b.max_pool2d(y, pooled, (2, 2), (2, 2))
    return pooled


def _depthwise_conv2d(b: ModelBuilder, rng: Generator, source: Source, usual: bool = True) -> int:
    side = [int(n) for n in rng.integers(7, 21, 2)]
    channels, k, step, apart, same = int(rng.choice([4, 8, 16, 32, 6])), (3, 3), int(rng.choice([1, 1, 2])), 1, True
    if not usual:
        k = ((5, 5), (7, 7), (5, 1), (1, 5), (3, 5), (2, 2), (4, 4), (1, 1), (3, 3), (3, 3))[rng.integers(10)]
        step, same = int(rng.choice([1, 1, 2, 3])), rng.random() < 0.7
        apart = 2 if step == 1 and max(k) < 4 and rng.random() < 0.5 else 1
    span = [(n - 1) * apart + 1 for n in k]
    out = [-(-n // step) if same else (n - w) // step + 1 for n, w in zip(side, span, strict=True)]
    filters = channels * (1 if usual else int(rng.choice([1, 1, 2])))
    x = source((1, *side, channels), 1.0, -128)
    y = b.tensor((1, *out, filters), 1 / ACCUMULATOR_STEP, -128)
    operands = [x, *_linear(b, rng, filters, (1, *k, filters), axis=3)]
    b.depthwise_conv2d(operands, y, (step, step), (apart, apart), "SAME" if same else "VALID")
    return y


def _transpose_conv2d(b: ModelBuilder, rng: Generator, source: Source, wide: bool = False) -> int:
    """`wide`: sums of a filter that leave no room for a second one's, and many weights."""
    h, w = (int(n) for n in rng.integers(4, 10, 2))
    x_c, y_c, k = int(rng.choice([4, 8, 16, 24])), int(rng.choice([1, 3, 8, 16])), int(rng.integers(2, 5))
    if wide:
        x_c, y_c, k = int(rng.choice([144, 160])), int(rng.choice([64, 72])), 4
    options = schema.TransposeConvOptionsT()
    options.strideH = options.strideW = step = int(rng.choice([1, 2, 2]))
    options.padding = schema.Padding.SAME
    x = source((1, h, w, x_c), 1.0, -128)
    y = b.tensor((1, h * step, w * step, y_c), 1 / ACCUMULATOR_STEP, -128)
    shape = b.constant(np.array(b.shape(y), np.int32), None)
    weights, bias = _linear(b, rng, y_c, (y_c, k, k, x_c))
    if wide:
        weights = b.constant(rng.choice(np.array([-127, 127], np.int8), (y_c, k, k, x_c)), [1.0] * y_c)
    b.op("TRANSPOSE_CONV", [shape, weights, x, bias], [y], options)
    return y


def _dense(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    rows, x_c, y_c = int(rng.choice([1, 1, 3])), int(rng.integers(5, 400)), int(rng.integers(2, 90))
    x = source((rows, x_c), 1.0)
    y = b.tensor((rows, y_c), 1 / ACCUMULATOR_STEP)
    if plain:
        b.dense([x, *_linear(b, rng, y_c, (y_c, x_c), plain=True)], y)
        return y
    weights = b.constant(rng.integers(-127, 128, (y_c, x_c), np.int8), [1.0])
    b.dense([x, weights, b.constant(rng.integers(-99, 99, y_c, np.int32), [1.0])], y)
    return y


def _batch_matmul(b: ModelBuilder, rng: Generator, source: Source) -> int:
    batches, rows, depth, columns = (int(n) for n in rng.integers((1, 3, 4, 4), (4, 24, 50, 24)))
    a, x = source((batches, rows, depth), 1.0), source((batches, depth, columns), 1.0)
    y = b.tensor((batches, rows, columns), 1 / ACCUMULATOR_STEP)
    b.op("BATCH_MATMUL", [a, x], [y], schema.BatchMatMulOptionsT())
    return y


def _pool2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    k, step, channels = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 41))
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = k
    options.strideH = options.strideW = step
    options.padding = schema.Padding.SAME
    out = [int(n) for n in rng.integers(1, 9, 2)]
    x = source((1, *(n * step for n in out), channels), 1.0)
    y = b.tensor((1, *out, channels), 1.0)
    b.op(str(rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"])), [x], [y], options)
    return y


def _softmax(b: ModelBuilder, rng: Generator, source: Source) -> int:
    size = int(rng.integers(2, 200))
    x = source((1, size), 0.05)
    y = b.tensor((1, size), 1 / 256, -128)
    b.softmax(x, y)
    return y


def _add(b: ModelBuilder, rng: Generator, source: Source) -> int:
    rows, size = int(rng.choice([1, 1, 8, 40])), int(rng.integers(4, 100))
    x = source((rows, size), 0.3, 5)
    y = b.tensor((rows, size), 0.7, -3)
    other = b.constant(rng.integers(-128, 128, (1, size), np.int8), [0.2])
    if rng.random() < 0.7:
        b.op("ADD", [x, other], [y], schema.AddOptionsT())
    else:
        b.op("SUB", [x, other], [y], schema.SubOptionsT())
    return y


def _squared_difference(b: ModelBuilder, rng: Generator, source: Source) -> int:
    rows, size = int(rng.choice([1, 8, 40])), int(rng.integers(4, 100))
    x, y = source((rows, size), 0.3, 5), b.tensor((rows, size), 1.0, -3)
    b.op("SQUARED_DIFFERENCE", [x, b.constant(rng.integers(-128, 128, (1, size), np.int8), [0.2])], [y])
    return y


def _mul(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    rows, size = int(rng.choice([1, 1, 8, 40])), int(rng.integers(4, 100))
    x = source((rows, size), 0.3, 5)
    y = b.tensor((rows, size), 0.061 if plain else 30.0, -3)  # a product that is not shifted has no packed form
    b.op("MUL", [x, b.constant(rng.integers(-128, 128, (1, size), np.int8), [0.2])], [y], schema.MulOptionsT())
    return y


def _tanh(b: ModelBuilder, rng: Generator, source: Source) -> int:
    size = int(rng.integers(50, 2000))
    x = source((1, size), 0.02)
    y = b.tensor((1, size), 1 / 128)
    b.op("TANH", [x], [y])
    return y


def _mean(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    h, w = map(int, rng.integers(3, 12, 2))
    channels = 2 if plain else int(rng.integers(4, 65))
    axes = [1, 2] if plain or rng.random() < 0.7 else [3]
    x = source((1, h, w, channels), 0.5)
    y = b.tensor((1, channels) if len(axes) == 2 else (1, h, w), 0.5)
    b.op("MEAN", [x, b.constant(np.array(axes, np.int32), None)], [y], schema.ReducerOptionsT())
    return y


def _concatenation(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """Channels side by side, in rows of bytes."""
    pixels, channels, axis = int(rng.integers(1, 60)), [int(n) for n in rng.integers(2, 40, 2)], int(rng.integers(0, 2))
    xs = [source((pixels, n) if axis else (n, pixels), 1.0) for n in channels]
    y = b.tensor((pixels, sum(channels)) if axis else (sum(channels), pixels), 1.0)
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    b.op("CONCATENATION", xs, [y], options)
    return y


def _pad(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """A frame around an image."""
    h, w, c = (int(n) for n in rng.integers((3, 3, 1), (30, 30, 9)))
    y = b.tensor((1, h + 2, w + 2, c), 1.0)
    around = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
    b.op("PAD", [source((1, h, w, c), 1.0), b.constant(around, None)], [y])
    return y


def _transpose(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """Bytes one by one."""
    h, w = (int(n) for n in rng.integers(3, 40, 2))
    y = b.tensor((w, h), 1.0)
    b.op(
        "TRANSPOSE",
        [source((h, w), 1.0), b.constant(np.array([1, 0], np.int32), None)],
        [y],
        schema.TransposeOptionsT(),
    )
    return y


LAYERS: tuple[LayerKind, ...] = (
    (_conv2d, 10),
    (_inner_conv2d, 3),
    (partial(_conv2d, plain=True), 1),
    (_pointwise_conv2d, 3),
    (_conv2d_of_few, 3),
    (_wide_conv2d, 2),
    (_depthwise_conv2d, 4),
    (partial(_depthwise_conv2d, usual=False), 6),
    (_grouped_conv2d, 4),
    (_transpose_conv2d, 2),
    (partial(_transpose_conv2d, wide=True), 1),
    (_dense, 2),
    (_batch_matmul, 2),
    (partial(_dense, plain=True), 1),
    (_pool2d, 5),
    (_softmax, 1),
    (_add, 3),
    (_squared_difference, 1),
    (_mul, 2),
    (partial(_mul, plain=True), 1),
    (_tanh, 1),
    (_mean, 2),
    (partial(_mean, plain=True), 1),
    (_concatenation, 3),
    (_transpose, 1),
    (_pad, 1),
    (_conv2d_of_one_channel, 4),
)
