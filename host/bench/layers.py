"""Random layers of every kind that a kernel has a price for; `host.bench.calibrate` counts what they cost."""

from __future__ import annotations

from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.random import Generator

from tinyproof.export.tflite_writer import ModelBuilder
from tinyproof.host.bench.convolution_layers import (
    ACCUMULATOR_STEP,
    ALONG_ONE_AXIS,
    CONVOLUTIONS,
    OF_ONE_CHANNEL,
    WITH_FEW_FILTERS,
    LayerKind,
    Source,
    linear,
)


def _dense(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    rows, x_c, y_c = int(rng.choice([1, 1, 3])), int(rng.integers(5, 400)), int(rng.integers(2, 90))
    x = source((rows, x_c), 1.0)
    y = b.tensor((rows, y_c), 1 / ACCUMULATOR_STEP)
    if plain:
        b.dense([x, *linear(b, rng, y_c, (y_c, x_c), plain=True)], y)
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


def _resize(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """An image with more pixels, of one channel or several."""
    h, w, times = (int(n) for n in rng.integers((2, 2, 2), (9, 9, 4)))
    channels = int(rng.choice([1, 3, 8, 16, 21]))
    x, y = source((1, h, w, channels), 0.5), b.tensor((1, times * h, times * w, channels), 0.5)
    size = b.constant(np.array([times * h, times * w], np.int32), None)
    if rng.random() < 0.5:
        b.op("RESIZE_NEAREST_NEIGHBOR", [x, size], [y], schema.ResizeNearestNeighborOptionsT())
    else:
        b.op("RESIZE_BILINEAR", [x, size], [y], schema.ResizeBilinearOptionsT())
    return y


LAYERS: tuple[LayerKind, ...] = (
    *CONVOLUTIONS,
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
    OF_ONE_CHANNEL,
    ALONG_ONE_AXIS,
    WITH_FEW_FILTERS,
    (_resize, 3),
)
