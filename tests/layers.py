"""Hypothesis strategies for int8 layers: random shapes and quantization, and the edges where rounding goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinyproof.export.tflite_writer import ModelBuilder

zero_points = st.one_of(st.sampled_from((-128, 127, 0, -1)), st.integers(-128, 127))
activations = st.sampled_from(("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1"))
paddings = st.sampled_from(("SAME", "VALID"))
scales = st.floats(-12, 3).map(lambda exponent: float(np.float32(2.0**exponent)))
seeds = st.integers(0, 2**32 - 1)
# log2 of what one step of the accumulator is worth in steps of the output; None: about what fills the output's range.
gains = st.one_of(st.none(), st.none(), st.floats(-36, 8), st.sampled_from((0.0, 1.0, -1.0, 5.0, -31.0, -32.0, -33.0)))


# Where TFLM's result is undefined or it aborts; nothing to compare.
UNDEFINED_IN_TFLM = re.compile(
    "can overflow 32 bits|multiplier above|too small for|too large for 32|so small that TFLM|too far apart for TFLM"
    "|result is undefined|TFLM stops at a negative|TFLM reads beyond|TFLM repeats operands"
    "|TFLM pads with what lies in memory"
)
MOST_EQUAL_CLASSES = 511  # of one more TFLM's softmax aborts
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """A model and what to try: each time the bytes of its inputs, one after the other."""

    model: bytes
    inputs: tuple[NDArray[np.int8], ...]


@st.composite
def weights(draw: st.DrawFn, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """int8 weights: random, or one of the extremes."""
    rng = np.random.default_rng(draw(seeds))
    style = draw(st.sampled_from(("random", "random", "random", "sparse", "low", "high", "zero")))
    if style == "sparse":
        return (rng.integers(-127, 128, shape) * (rng.random(shape) < 0.2)).astype(np.int8)
    constant = {"low": -128, "high": 127, "zero": 0}.get(style)
    return rng.integers(-128, 128, shape, np.int8) if constant is None else np.full(shape, constant, np.int8)


@st.composite
def biases(draw: st.DrawFn, channels: int) -> NDArray[np.int32] | None:
    """int32 biases of any magnitude, or none."""
    bits = draw(st.one_of(st.none(), st.integers(0, 31), st.sampled_from((10, 12, 14))))
    if bits is None:
        return None
    limit = 2**bits - 1
    return np.random.default_rng(draw(seeds)).integers(-limit, limit, channels, np.int32, endpoint=True)


def inputs_for(shape: tuple[int, ...], seed: int) -> tuple[NDArray[np.int8], ...]:
    """Random bytes and the two extremes."""
    random = np.random.default_rng(seed).integers(-128, 128, shape, np.int8)
    return random, np.full(shape, -128, np.int8), np.full(shape, 127, np.int8)


@st.composite
def quantized(draw: st.DrawFn, taps: NDArray[np.int8], per_channel: bool) -> tuple[float, list[float], float]:
    """(x scale, weight scales, y scale) for weights (channels, ...): the gain from accumulator to output is drawn."""
    flat = taps.reshape(len(taps), -1).astype(np.float64)
    x_scale, w_scale = draw(scales), draw(scales)
    gain = draw(gains)
    spread = 75 * max(float(np.sqrt((flat**2).sum(axis=1)).max()), 1.0)
    real = 100 / spread if gain is None else 2.0**gain
    count, rng = len(taps) if per_channel else 1, np.random.default_rng(draw(seeds))
    factors = rng.uniform(0.3, 1, count) if per_channel else np.ones(1)
    if per_channel and draw(st.integers(0, 3)) == 0:  # some channels of any gain among the others
        factors = np.where(rng.random(count) < 0.5, 2.0 ** rng.uniform(-34, 5, count) / real, factors)
    return x_scale, list(np.float32(w_scale * factors)), float(np.float32(x_scale * w_scale / real))


def add_linear_constants(
    b: ModelBuilder,
    taps: NDArray[np.int8],
    w_scale: list[float],
    bias: NDArray[np.int32] | None,
    x_scale: float,
    axis: int = 0,
) -> list[int]:
    """Weights and bias as the converter would write them; output channels along `axis` of the weights."""
    operands = [b.constant(taps, w_scale, axis=axis)]
    if bias is not None:
        operands.append(b.constant(bias, list(np.float32(x_scale) * np.float32(w_scale))))
    return operands


@st.composite
def conv2d(draw: st.DrawFn, usual: str = "") -> Case:
    """One CONV_2D: any, a "first" one of few channels, an "inner" one, which Winograd's transforms are for, or one of
    "few" filters.
    """
    k_h, k_w = (3, 3) if usual == "inner" else (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilation = (1, 1) if usual else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    most = {"first": 2, "inner": 1, "few": 2}.get(usual, 3)
    stride = draw(st.tuples(st.integers(1, most), st.integers(1, most)))
    padding = draw(paddings)
    span = [(k - 1) * d + 1 for k, d in zip((k_h, k_w), dilation, strict=True)]
    least = span if padding == "VALID" else (1, 1)
    x_h, x_w = (draw(st.integers(low, low + (13 if usual == "few" else 6))) for low in least)
    x_c = draw(st.sampled_from({"first": (1, 3, 3), "inner": (4, 8, 12)}.get(usual, (1, 1, 2, 3, 4, 5, 8, 17))))
    y_c = draw(st.sampled_from({"first": (12, 16, 21), "few": (1, 2, 3)}.get(usual, (1, 2, 3, 4, 5))))
    if padding == "SAME":
        y_h, y_w = -(-x_h // stride[0]), -(-x_w // stride[1])
    else:
        y_h, y_w = (x_h - span[0]) // stride[0] + 1, (x_w - span[1]) // stride[1] + 1
    taps = draw(weights((y_c, k_h, k_w, x_c)))
    x_scale, w_scale, y_scale = draw(quantized(taps, draw(st.booleans())))
    b = ModelBuilder()
    x = b.tensor((1, x_h, x_w, x_c), x_scale, draw(zero_points))
    y = b.tensor((1, y_h, y_w, y_c), y_scale, draw(zero_points))
    operands = add_linear_constants(b, taps, w_scale, draw(biases(y_c)), x_scale)
    b.conv2d([x, *operands], y, stride, dilation, padding, draw(activations))
    return Case(b.build([x], [y]), inputs_for((1, x_h, x_w, x_c), draw(seeds)))


@st.composite
def dense(draw: st.DrawFn) -> Case:
    """One FULLY_CONNECTED, of one or more rows."""
    rows, x_c, y_c = draw(st.sampled_from((1, 1, 1, 2, 5))), draw(st.integers(1, 70)), draw(st.integers(1, 7))
    taps = draw(weights((y_c, x_c)))
    per_channel = draw(st.booleans()) and y_c > 1
    x_scale, w_scale, y_scale = draw(quantized(taps, per_channel))
    b = ModelBuilder()
    x = b.tensor((rows, x_c), x_scale, draw(zero_points))
    y = b.tensor((rows, y_c), y_scale, draw(zero_points))
    b.dense([x, *add_linear_constants(b, taps, w_scale, draw(biases(y_c)), x_scale)], y, draw(activations))
    return Case(b.build([x], [y]), inputs_for((rows, x_c), draw(seeds)))


@st.composite
def max_pool2d(draw: st.DrawFn) -> Case:
    """One MAX_POOL_2D."""
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = draw(paddings)
    least = kernel if padding == "VALID" else (1, 1)
    x_h, x_w = (draw(st.integers(low, low + 7)) for low in least)
    if padding == "SAME":
        y_h, y_w = -(-x_h // stride[0]), -(-x_w // stride[1])
    else:
        y_h, y_w = (x_h - kernel[0]) // stride[0] + 1, (x_w - kernel[1]) // stride[1] + 1
    channels, scale, zero_point = draw(st.integers(1, 9)), draw(scales), draw(zero_points)
    b = ModelBuilder()
    x = b.tensor((1, x_h, x_w, channels), scale, zero_point)
    y = b.tensor((1, y_h, y_w, channels), scale, zero_point)
    b.max_pool2d(x, y, kernel, stride, padding, draw(activations))
    return Case(b.build([x], [y]), inputs_for((1, x_h, x_w, channels), draw(seeds)))


@st.composite
def softmax(draw: st.DrawFn) -> Case:
    """One SOFTMAX; from scales where everything is equal to scales where one class takes all."""
    depth = draw(st.one_of(st.integers(1, 12), st.sampled_from((2, 10, 100, 256, 511, 1000, 5000))))
    outer = draw(st.sampled_from(((1,), (1,), (3,), (1, 2, 2))))
    many = depth > MOST_EQUAL_CLASSES
    scale = float(np.float32(2.0 ** draw(st.floats(-3, 2) if many else st.one_of(st.floats(-25, 6), st.floats(-7, 0)))))
    beta = draw(st.sampled_from((1.0, 1.0, 0.5, 2.0, 1.7)))
    b = ModelBuilder()
    x = b.tensor((*outer, depth), scale, draw(zero_points))
    y = b.tensor((*outer, depth), 1 / 256, -128)
    b.softmax(x, y, beta)
    shape, rng = (*outer, depth), np.random.default_rng(draw(seeds))
    near = rng.integers(-128, -128 + draw(st.integers(1, 255)), shape, np.int8, endpoint=True)
    if depth > MOST_EQUAL_CLASSES:
        near[..., MOST_EQUAL_CLASSES:] = -128  # far enough below the others, else TFLM aborts
        near[..., :MOST_EQUAL_CLASSES] = rng.integers(0, 128, (*outer, MOST_EQUAL_CLASSES), np.int8)
        return Case(b.build([x], [y]), (near,))
    return Case(b.build([x], [y]), (near, *inputs_for(shape, draw(seeds))))


@st.composite
def requantization(draw: st.DrawFn) -> Case:
    """A layer of zero weights: what comes out is its bias requantized, here hundreds of values at once.

    The values are those where rounding decides: near halves of an output step, exact halves, and the limits of int32.
    """
    exponent = draw(st.one_of(st.integers(-33, 6), st.integers(-23, -20)))
    real = 2.0**exponent * draw(st.sampled_from((1.0, 1.0, 1.25, 4 / 3, 1.9999999)))
    # Products of which float32 holds some, and rounds others: the second pair shows in which precision TFLM multiplies.
    x_scale, w_scale = map(float, np.float32(draw(st.sampled_from(((2.0**-4, 0.013), (0.0371, 0.017))))))
    y_scale = float(np.float32(x_scale * w_scale / real))
    rng = np.random.default_rng(draw(seeds))
    halves = (rng.integers(-300, 300, 200) + 0.5) / real + rng.integers(-9, 10, 200)
    limit = 2**31 - 300 if exponent <= -2 else 2 ** (29 - max(exponent, 0))
    accumulators = np.concatenate([halves, rng.integers(-limit, limit, 50), np.arange(-9, 10), [limit, -limit]])
    bias = np.clip(np.rint(accumulators), -limit, limit).astype(np.int32)
    b = ModelBuilder()
    zero_point = draw(zero_points)
    as_conv = draw(st.booleans())
    x = b.tensor((1, 1, 1, 1) if as_conv else (1, 1), x_scale)
    y = b.tensor((1, 1, 1, bias.size) if as_conv else (1, bias.size), y_scale, zero_point)
    taps = np.zeros((bias.size, 1, 1, 1) if as_conv else (bias.size, 1), np.int8)
    operands = [x, *add_linear_constants(b, taps, [w_scale], bias, x_scale)]
    if as_conv:
        b.conv2d(operands, y)
    else:
        b.dense(operands, y)
    return Case(b.build([x], [y]), (np.zeros((1, 1, 1, 1) if as_conv else (1, 1), np.int8),))


@st.composite
def conv2d_and_pool(draw: st.DrawFn) -> Case:
    """One CONV_2D, or two, each with the MAX_POOL_2D behind it; often of the shapes that have a kernel of their own.

    Gains are those of trained layers, whose multipliers are below one: the others have no kernel but the plain one.
    """
    b = ModelBuilder()
    side, channels = draw(st.integers(6, 15)), draw(st.sampled_from((1, 1, 3, 4, 8, 12)))
    shape = (side, side + draw(st.integers(-1, 3)), channels)
    source = current = b.tensor((1, *shape), 0.5, draw(zero_points))
    start = shape
    scale = 0.5
    for _ in range(draw(st.integers(1, 2))):
        current, shape, scale = _pooled(draw, b, current, shape, scale)
        if min(shape[:2]) < 3:
            break
    return Case(b.build([source], [current]), inputs_for((1, *start), draw(seeds)))


def _pooled(
    draw: st.DrawFn, b: ModelBuilder, x: int, shape: tuple[int, int, int], x_scale: float
) -> tuple[int, tuple[int, int, int], float]:
    """CONV_2D and MAX_POOL_2D behind tensor x: the output, its shape and its scale."""
    usual = draw(st.booleans())
    kernel = (3, 3) if usual else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = (1, 1) if usual else draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding, y_c = draw(paddings), draw(st.sampled_from((1, 2, 3, 4, 5, 8)))
    conv = window_output(shape, kernel, stride, padding)
    taps = draw(weights((y_c, *kernel, shape[2])))
    spread = 75 * max(float(np.sqrt((taps.reshape(y_c, -1).astype(float) ** 2).sum(axis=1)).max()), 1.0)
    factors = np.random.default_rng(draw(seeds)).uniform(0.001, 1, y_c) if draw(st.booleans()) else np.ones(1)
    if draw(st.integers(0, 5)) == 0:
        factors[0] = 0.0 if factors.size > 1 else 1.0  # a multiplier of zero
    y_scale, zero_point = float(np.float32(x_scale * spread / draw(st.sampled_from((100, 300, 30))))), draw(zero_points)
    between = b.tensor((1, *conv, y_c), y_scale, zero_point)
    operands = add_linear_constants(b, taps, list(np.float32(factors)), draw(biases(y_c)), x_scale)
    b.conv2d([x, *operands], between, stride, (1, 1), padding, draw(activations))
    pool = (2, 2) if usual else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    pool = tuple(min(size, limit) for size, limit in zip(pool, conv, strict=True))
    step = draw(st.sampled_from((pool, pool, pool, (1, 2), (3, 3))))
    pool_padding = draw(st.sampled_from(("VALID", "VALID", "SAME")))
    out = window_output((*conv, y_c), pool, step, pool_padding)
    y = b.tensor((1, *out, y_c), y_scale, zero_point)
    b.max_pool2d(between, y, pool, step, pool_padding, draw(activations))
    return y, (*out, y_c), y_scale


def window_output(shape: Shape, kernel: tuple[int, int], stride: tuple[int, int], padding: str) -> tuple[int, int]:
    """Height and width of what a window makes of an image (h, w, ...)."""
    if padding == "SAME":
        return -(-shape[0] // stride[0]), -(-shape[1] // stride[1])
    return (shape[0] - kernel[0]) // stride[0] + 1, (shape[1] - kernel[1]) // stride[1] + 1


def few_taps_layers(seed: int, channels: int = 1, count: int = 30) -> bytes:
    """Convolutions with windows of up to 3 x 3, some with a pooling, each with ends of its own."""
    b, rng, xs, ys = ModelBuilder(), np.random.default_rng(seed), [], []
    while len(ys) < count:
        k, sides, strides = rng.integers(1, 4, 2), rng.integers(1, 13, 2), rng.integers(1, 4, 2)
        k = np.array([3, 3]) if rng.random() < 0.6 else k
        strides = strides if rng.random() < 0.4 else np.array([1, 1])
        padding, filters = str(rng.choice(["SAME", "VALID"])), int(rng.integers(1, 9))
        out = -(-sides // strides) if padding == "SAME" else (sides - k) // strides + 1
        if out.min() < 1:
            continue
        scales = list(10 ** rng.uniform(-7, 0.3, filters))  # shifts far to the right, and to the left
        shape, end = (1, *(int(n) for n in out), filters), int(rng.integers(-128, 128))
        xs.append(b.tensor((1, *(int(n) for n in sides), channels), 1.0, int(rng.integers(-128, 128))))
        ys.append(b.tensor(shape, 1.0, end))
        taps = b.constant(rng.integers(-128, 128, (filters, *(int(n) for n in k), channels), np.int8), scales, axis=0)
        b.conv2d([xs[-1], taps], ys[-1], tuple(int(n) for n in strides), padding=padding)
        if out.min() > 1 and rng.random() < 0.5:
            pooled = b.tensor((1, *(int(n) // 2 for n in out), filters), 1.0, end)
            b.max_pool2d(ys[-1], pooled, (2, 2), (2, 2))
            ys[-1] = pooled
    return b.build(xs, ys)


def pointwise_layers(seed: int, count: int = 30) -> bytes:
    """1 x 1 convolutions that the pointwise kernel takes, each with an input and an output of its own."""
    b, rng = ModelBuilder(), np.random.default_rng(seed)
    xs, ys = [], []
    for _ in range(count):
        sides, stride = [int(n) for n in rng.integers(1, 9, 2)], tuple(map(int, rng.integers(1, 4, 2)))
        x_c, y_c = int(rng.integers(1, 30)), int(rng.integers(2, 20))
        scales = list(10 ** rng.uniform(-7, 0.3, y_c))
        xs.append(b.tensor((1, *sides, x_c), 1.0, int(rng.integers(-128, 128))))
        out = [-(-n // s) for n, s in zip(sides, stride, strict=True)]
        ys.append(b.tensor((1, *out, y_c), 1.0, int(rng.integers(-128, 128))))
        taps = b.constant(rng.integers(-127, 128, (y_c, 1, 1, x_c), np.int8), scales)
        b.conv2d([xs[-1], taps], ys[-1], stride, activation=str(rng.choice(["NONE", "RELU"])))
    return b.build(xs, ys)
