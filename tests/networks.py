"""Random whole networks: convolutions and poolings, a reshape, dense layers, a softmax; each part may be missing."""

from __future__ import annotations

import numpy as np
from layers import add_linear_constants

from tinyproof.export.tflite_writer import ModelBuilder


def random_network(seed: int) -> bytes:
    """The `.tflite` of a network that depends on the seed alone, quantized so that values spread over int8."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    side, channels = int(rng.integers(6, 15)), int(rng.choice([1, 1, 2, 3]))
    scale, zero_point = 1 / 255, -128
    current = source = b.tensor((1, side, side + 1, channels), scale, zero_point)
    shape = (side, side + 1, channels)
    for _ in range(rng.integers(0, 4)):
        if min(shape[:2]) < 3:
            break
        current, shape, scale, zero_point = _convolution(b, rng, current, shape, scale, zero_point)
        if rng.random() < 0.6:
            current, shape = _pooling(b, rng, current, shape, scale, zero_point)
    size = int(np.prod(shape))
    flat = b.tensor((1, size), scale, zero_point)
    b.reshape(current, flat)
    current = flat
    for _ in range(rng.integers(1, 3)):
        current, size, scale, zero_point = _dense(b, rng, current, size, scale, zero_point)
    if rng.random() < 0.7:
        y = b.tensor((1, size), 1 / 256, -128)
        b.softmax(current, y)
        current = y
    return b.build([source], [current])


def usual_network(seed: int) -> bytes:
    """Two 3 x 3 convolutions with 2 x 2 poolings and two dense layers, of random sizes: what most small models are."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    shape = (int(rng.integers(12, 18)), int(rng.integers(12, 18)), int(rng.choice([1, 1, 3])))
    scale, zero_point = 1 / 255, -128
    current = source = b.tensor((1, *shape), scale, zero_point)
    for filters in (4 * int(rng.integers(1, 5)), int(rng.integers(1, 14))):
        current, shape, scale, zero_point = _convolution(
            b, rng, current, shape, scale, zero_point, kernel=np.array([3, 3]), stride=np.array([1, 1]), filters=filters
        )
        current, shape = _pooling(b, rng, current, shape, scale, zero_point, kernel=(2, 2))
    size = int(np.prod(shape))
    flat = b.tensor((1, size), scale, zero_point)
    b.reshape(current, flat)
    current, size, scale, zero_point = _dense(b, rng, flat, size, scale, zero_point)
    current, size, scale, zero_point = _dense(b, rng, current, size, scale, zero_point)
    return b.build([source], [current])


def pooled_layer(seed: int) -> bytes:
    """One 3 x 3 convolution with its 2 x 2 pooling and no activation: every byte that the layer computes comes out."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    shape = (int(rng.integers(12, 18)), int(rng.integers(12, 18)), (1, 4, 5)[seed % 3])
    x = b.tensor((1, *shape), 1 / 255, -128)
    y, out, scale, zero_point = _convolution(
        b, rng, x, shape, 1 / 255, -128, kernel=np.array([3, 3]), stride=np.array([1, 1]), filters=9, activation="NONE"
    )
    y, _ = _pooling(b, rng, y, out, scale, zero_point, kernel=(2, 2))
    return b.build([x], [y])


def _convolution(b, rng, x, shape, scale, zero_point, kernel=None, stride=None, filters=None, activation=None):
    kernel = rng.integers(1, 4, 2) if kernel is None else kernel
    stride = rng.integers(1, 3, 2) if stride is None else stride
    filters = int(rng.integers(2, 9)) if filters is None else filters
    same = rng.random() < 0.5
    out = [-(-n // s) if same else (n - k) // s + 1 for n, k, s in zip(shape, kernel, stride, strict=False)]
    taps = rng.integers(-127, 128, (filters, *kernel, shape[2]), np.int8)
    y_scale, y_zero_point = scale * 0.01 * 73 * float(np.sqrt(taps[0].size)) * 74 / 60, int(rng.integers(-128, 0))
    y = b.tensor((1, *out, filters), y_scale, y_zero_point)
    bias = rng.integers(-3000, 3000, filters, np.int32) if rng.random() < 0.8 else None
    weight_scales = list(rng.uniform(0.003, 0.01, filters))
    activation = activation or str(rng.choice(["NONE", "RELU", "RELU6"]))
    operands = add_linear_constants(b, taps, weight_scales, bias, scale)
    b.conv2d([x, *operands], y, tuple(stride), (1, 1), "SAME" if same else "VALID", activation)
    return y, (*out, filters), y_scale, y_zero_point


def _pooling(b, rng, x, shape, scale, zero_point, kernel=None):
    kernel = kernel or tuple(int(min(k, n)) for k, n in zip(rng.integers(1, 4, 2), shape, strict=False))
    same = rng.random() < 0.3
    out = [-(-n // k) if same else (n - k) // k + 1 for n, k in zip(shape, kernel, strict=False)]
    y = b.tensor((1, *out, shape[2]), scale, zero_point)
    b.max_pool2d(x, y, kernel, kernel, "SAME" if same else "VALID")
    return y, (*out, shape[2])


def _dense(b, rng, x, size, scale, zero_point):
    outputs = int(rng.integers(2, 20))
    taps = rng.integers(-127, 128, (outputs, size), np.int8)
    y_scale, y_zero_point = scale * 0.01 * 73 * float(np.sqrt(size)) * 74 / 60, int(rng.integers(-60, 60))
    y = b.tensor((1, outputs), y_scale, y_zero_point)
    bias = rng.integers(-3000, 3000, outputs, np.int32) if rng.random() < 0.8 else None
    b.dense([x, *add_linear_constants(b, taps, [0.01], bias, scale)], y, str(rng.choice(["NONE", "RELU"])))
    return y, outputs, y_scale, y_zero_point
