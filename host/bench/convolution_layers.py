"""Random convolutions of every kind that a kernel has a price for, as `layers.py` has all other layers."""

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


def linear(
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


def _max_pooled(b: ModelBuilder, y: int, side: int) -> int:
    """Windows of side x side pixels, side by side."""
    _, h, w, channels = b.shape(y)
    pooled = b.tensor((1, h // side, w // side, channels), 1 / ACCUMULATOR_STEP, -128)
    b.max_pool2d(y, pooled, (side, side), (side, side))
    return pooled


def _conv2d(b: ModelBuilder, rng: Generator, source: Source, plain: bool = False) -> int:
    side = [int(n) for n in rng.integers(7, 25, 2)]
    k = (3, 3) if rng.random() < 0.6 else (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    x_c, y_c = int(rng.choice([1, 1, 2, 3, 3, 5, 6, 4, 8, 16, 24, 32])), int(rng.choice([6, 8, 16, 24, 32]))
    step = int(rng.choice([1, 1, 2]))
    same = rng.random() < 0.6
    out = [-(-n // step) if same else (n - w) // step + 1 for n, w in zip(side, k, strict=True)]
    x = source((1, *side, x_c), 1.0, -128)
    y = b.tensor((1, *out, y_c), 1 / ACCUMULATOR_STEP, -128)
    operands = [x, *linear(b, rng, y_c, (y_c, *k, x_c), plain=plain)]
    b.conv2d(operands, y, (step, step), (1, 1), "SAME" if same else "VALID", "RELU")
    if plain or step > 1 or rng.random() < 0.5:
        return y
    return _max_pooled(b, y, int(rng.choice([2, 2, 2, 3])))


def _conv2d_of_one_channel(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, y_c = [int(n) for n in rng.integers(7, 29, 2)], int(rng.choice([4, 8, 16, 32, 64]))
    k = (3, 3) if rng.random() < 0.7 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    step, same, pools = int(rng.choice([1, 1, 1, 2, 2, 3])), rng.random() < 0.6, rng.random() < 0.5
    out = [-(-n // step) if same else (n - w) // step + 1 for n, w in zip(side, k, strict=True)]
    x = source((1, *side, 1), 1.0, -128)
    y = b.tensor((1, *out, y_c), 1 / ACCUMULATOR_STEP, -128)
    operands = [x, *linear(b, rng, y_c, (y_c, *k, 1))]
    b.conv2d(operands, y, (step, step), (1, 1), "SAME" if same else "VALID", "RELU")
    return _max_pooled(b, y, 2) if step == 1 and pools else y


def _inner_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, x_c, y_c = int(rng.integers(8, 21)), int(rng.choice([4, 8, 16, 32, 64])), int(rng.choice([4, 8, 16, 24]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *linear(b, rng, y_c, (y_c, 3, 3, x_c))], y, padding="SAME", activation="RELU")
    return y


def _pointwise_conv2d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    side, x_c = int(rng.integers(4, 15)), int(rng.choice([8, 12, 16, 32, 64, 1, 3, 5, 18]))
    y_c = int(rng.choice([4, 8, 10, 16, 32, 3, 7, 17]))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *linear(b, rng, y_c, (y_c, 1, 1, x_c))], y, activation="RELU")
    return y


def _conv2d_of_few(b: ModelBuilder, rng: Generator, source: Source) -> int:
    x_c, y_c, side, k = (int(n) for n in rng.integers((1, 1, 6, 1), (33, 3, 17, 6)))
    x = source((1, side, side, x_c), 1.0, -128)
    y = b.tensor((1, side, side, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *linear(b, rng, y_c, (y_c, k, k, x_c))], y, padding="SAME", activation="RELU")
    return y


def _conv2d_of_three(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """Up to three filters, on images and windows of any sides."""
    x_c, y_c, k_h, k_w, step = (int(n) for n in rng.integers((1, 1, 1, 1, 1), (13, 4, 7, 7, 3)))
    out = [int(n) for n in rng.integers((1, 4), (5, 18))]
    x = source((1, *(n * step for n in out), x_c), 1.0, -128)
    y = b.tensor((1, *out, y_c), 1 / ACCUMULATOR_STEP, -128)
    b.conv2d([x, *linear(b, rng, y_c, (y_c, k_h, k_w, x_c))], y, (step, step), padding="SAME", activation="RELU")
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
    b.conv2d([x, *linear(b, rng, y_c, (y_c, k, k, w_c))], y, padding="SAME", activation="RELU")
    return y if rng.random() < 0.7 else _max_pooled(b, y, 2)


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
    operands = [x, *linear(b, rng, filters, (1, *k, filters), axis=3)]
    b.depthwise_conv2d(operands, y, (step, step), (apart, apart), "SAME" if same else "VALID")
    return y


def _depthwise_conv1d(b: ModelBuilder, rng: Generator, source: Source) -> int:
    """Along a row or a column of pixels, or along those of a picture."""
    channels, k, step = int(rng.choice([3, 8, 12, 16])), int(rng.integers(2, 22)), int(rng.choice([1, 1, 2]))
    alone = rng.random() < 0.6
    lines, pixels = (1, int(rng.integers(24, 150))) if alone else (int(rng.integers(2, 9)), int(rng.integers(9, 33)))
    down = bool(rng.integers(2))

    def along(of_line: int, across: int) -> tuple[int, int]:
        return (of_line, across) if down else (across, of_line)

    x = source((1, *along(pixels, lines), channels), 1.0, -128)
    y = b.tensor((1, *along(-(-pixels // step), lines), channels), 1 / ACCUMULATOR_STEP, -128)
    operands = [x, *linear(b, rng, channels, (1, *along(k, 1), channels), axis=3)]
    b.depthwise_conv2d(operands, y, along(step, 1), along(1 if step == 2 else int(rng.choice([1, 1, 2])), 1), "SAME")
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
    weights, bias = linear(b, rng, y_c, (y_c, k, k, x_c))
    if wide:
        weights = b.constant(rng.choice(np.array([-127, 127], np.int8), (y_c, k, k, x_c)), [1.0] * y_c)
    b.op("TRANSPOSE_CONV", [shape, weights, x, bias], [y], options)
    return y


CONVOLUTIONS: tuple[LayerKind, ...] = (
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
)
OF_ONE_CHANNEL: LayerKind = (_conv2d_of_one_channel, 4)  # these behind all others, whose draws stay what they were
ALONG_ONE_AXIS: LayerKind = (_depthwise_conv1d, 6)
WITH_FEW_FILTERS: LayerKind = (_conv2d_of_three, 8)
