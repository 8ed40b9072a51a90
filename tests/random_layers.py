"""A random Keras network for a seed, converted to int8; needs TensorFlow. Used by random_models.py.

Layers are those of image and signal networks, with random sizes, weights of random spread, dead filters, branches that
are joined again, and quantization per tensor or per channel. Only what TensorFlow Lite Micro has an op for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rarer_blocks import ANY_BATCH, BATCH_OF_ONE

Tensor = Any  # a Keras tensor (1, h, w, c)
Rng = np.random.Generator
MAX_ELEMENTS = 6000  # of a tensor: small enough to be quick in every interpreter
CALIBRATION = 12


class NotConverted(Exception):
    """TensorFlow itself fails on the network, and says why."""


def converted_model(seed: int) -> bytes:
    """The `.tflite` of the seed's network, int8 in and out."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    with _quiet():
        keras.utils.set_random_seed(seed)
        network = random_network(keras, rng)
        _randomize_weights(network, rng)
        spread = float(2 ** rng.uniform(-2, 2))
        centre = float(rng.uniform(-1, 1)) * spread
        shapes = [(1, *x.shape[1:]) for x in network.inputs]

        def calibration() -> Iterator[list[Any]]:
            for _ in range(CALIBRATION):
                yield [(centre + spread * rng.normal(size=shape)).astype(np.float32) for shape in shapes]

        converter = tf.lite.TFLiteConverter.from_keras_model(network)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel_quantization_for_dense_layers = bool(rng.random() < 0.5)
        converter._experimental_disable_per_channel = bool(rng.random() < 0.25)
        try:
            content: bytes = converter.convert()
        except (RuntimeError, ValueError) as error:
            raise NotConverted(" ".join(str(error).split())) from None
        keras.backend.clear_session()
    return content


def random_network(keras: Any, rng: Rng) -> Any:
    """Inputs, a body of random blocks, a head; sometimes two inputs, sometimes two outputs."""
    batch = None if rng.random() < 0.15 else 1  # a dynamic batch leaves shape arithmetic before a Flatten
    shape = (int(rng.integers(6, 20)), int(rng.integers(6, 20)), int(rng.choice([1, 1, 2, 3, 4, 8])))
    if rng.random() < 0.1:
        shape = (1, int(rng.integers(16, 64)), int(rng.integers(1, 8)))  # a signal
    x = keras.Input(shape, batch_size=batch, name="input_0")
    inputs, y, tapped = [x], x, None
    if rng.random() < 0.15:
        inputs.append(keras.Input(shape, batch_size=batch, name="input_1"))
        y = _choice(rng, [keras.layers.Add(), keras.layers.Multiply(), keras.layers.Concatenate()])(inputs)
    for _ in range(int(rng.integers(1, 7))):
        y = _block(keras, rng, y, batch)
        if rng.random() < 0.1 and tapped is None:
            tapped = y
    outputs = [_head(keras, rng, y)]
    if tapped is not None and tapped is not y:
        outputs.append(_activated(keras, rng, keras.layers.Conv2D(2, 1)(tapped)))
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])


def _randomize_weights(network: Any, rng: Rng) -> None:
    """Weights and statistics of random spread, some filters dead, some biases large."""
    rate = (0.1, 0.1, 0.5)[int(rng.integers(3))]
    for layer in network.layers:
        values, dead = [], 0.0
        for weight in layer.weights:
            shape = tuple(weight.shape)
            value = rng.normal(size=shape) * 2 ** rng.uniform(-2, 0.5)
            if weight.name == "moving_variance":
                value = np.abs(value) + 0.1
            elif weight.name in ("kernel", "depthwise_kernel") and len(shape) > 1:
                filters = shape[-2:] if weight.name == "depthwise_kernel" else shape[-1:]
                dead = rng.random(filters) < rate
                style = int(rng.integers(3))  # no weights, nearly none, or a bias that decides
                value *= 1 / np.sqrt(np.prod(shape[:-1])) * np.where(dead, (0.0, 1e-7, 1.0)[style], 1.0)
                value *= 2 ** rng.uniform(-3, 1, shape[-1])
                dead = (dead * (style == 2)).reshape(-1) * float(rng.choice([-40, -40, 40]))
            elif weight.name == "bias" and np.shape(dead) == shape:
                value += dead
            elif weight.name == "seed_generator_state":
                value = np.zeros(shape)
            values.append(value.astype(np.float32))
        if values:
            layer.set_weights(values)


def _choice(rng: Rng, items: list[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def _activated(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """x behind an activation, or none."""
    layers = keras.layers
    options: list[Callable[[], Any]] = [
        *[lambda: None] * 4,
        *[lambda: layers.ReLU()] * 4,
        *[lambda: layers.ReLU(max_value=6)] * 2,
        lambda: layers.LeakyReLU(negative_slope=float(rng.uniform(0.01, 0.5))),
        lambda: layers.PReLU(shared_axes=_choice(rng, [[1, 2], [1, 2], None, [1]])),
        lambda: layers.Activation("sigmoid"),
        lambda: layers.Activation("tanh"),
        lambda: layers.Activation("hard_swish"),
        lambda: layers.Activation("hard_sigmoid"),
        lambda: layers.Activation("silu"),
    ]
    layer = _choice(rng, options)()
    return x if layer is None else layer(x)


def _block(keras: Any, rng: Rng, x: Tensor, batch: int | None) -> Tensor:
    """One random block that keeps the tensor an image."""
    blocks: list[Callable[[Any, Rng, Tensor], Tensor]] = [
        *[_conv] * 5,
        *[_depthwise] * 3,
        *[_pool] * 3,
        *[_residual] * 3,
        *[_joined] * 2,
        _norm,
        _gate,
        _padded,
        _turned,
        _scaled,
        _standalone,
        *ANY_BATCH,
    ]
    if batch == 1:
        blocks += [_grown, _grown, _resized, _cut, _cut, *BATCH_OF_ONE]  # which Keras gives no fixed shapes otherwise
    for _ in range(20):
        y = _choice(rng, blocks)(keras, rng, x)
        if 0 < int(np.prod(y.shape[1:])) <= MAX_ELEMENTS and min(y.shape[1:]) > 0:
            return y
    return x


def _window(rng: Rng, x: Tensor) -> tuple[tuple[int, int], str]:
    """A kernel size and padding that fit the image."""
    padding = _choice(rng, ["same", "valid"])
    limit = (5, 5) if padding == "same" else (min(5, x.shape[1]), min(5, x.shape[2]))
    return (int(rng.integers(1, limit[0] + 1)), int(rng.integers(1, limit[1] + 1))), padding


def _conv(keras: Any, rng: Rng, x: Tensor, filters: int | None = None, same: bool = False) -> Tensor:
    kernel, padding = (_choice(rng, [1, 3, (3, 1)]), "same") if same else _window(rng, x)
    count = filters or int(rng.integers(1, 17))
    extra: dict[str, Any] = {"strides": 1 if same else _choice(rng, [1, 1, 1, 2, (2, 1)])}
    if not same and extra["strides"] == 1 and rng.random() < 0.15:
        padding, extra["dilation_rate"] = "same", 2
    groups = [g for g in (2, 4) if x.shape[3] % g == 0 and count % g == 0]
    if groups and filters is None and rng.random() < 0.15:
        extra["groups"] = _choice(rng, groups)
    y = keras.layers.Conv2D(count, kernel, padding=padding, use_bias=bool(rng.random() < 0.8), **extra)(x)
    if rng.random() < 0.3:
        y = keras.layers.BatchNormalization()(y)
    return _activated(keras, rng, y)


def _depthwise(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    kernel, padding = _window(rng, x)
    kernel = (kernel[0],) * 2 if padding == "same" or kernel[0] <= x.shape[2] else kernel
    multiplier, stride = _choice(rng, [1, 1, 1, 2, 3]), _choice(rng, [1, 1, 2])
    if rng.random() < 0.3:
        layer = keras.layers.SeparableConv2D(
            int(rng.integers(1, 13)), kernel, stride, padding, depth_multiplier=multiplier
        )
    else:
        layer = keras.layers.DepthwiseConv2D(kernel, stride, padding, depth_multiplier=multiplier)
    return _activated(keras, rng, layer(x))


def _pool(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    kernel, padding = _window(rng, x)
    stride = _choice(rng, [None, 1, 2])
    layer = _choice(rng, [keras.layers.MaxPooling2D, keras.layers.MaxPooling2D, keras.layers.AveragePooling2D])
    return layer(kernel, stride, padding)(x)


def _residual(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """Two ways from x to the same shape, joined element by element."""
    layers, channels = keras.layers, x.shape[3]
    a = _conv(keras, rng, x, filters=channels, same=True)
    b = x if rng.random() < 0.6 else _conv(keras, rng, x, filters=channels, same=True)
    join = _choice(
        rng, [layers.Add, layers.Add, layers.Add, layers.Subtract, layers.Multiply, layers.Maximum, layers.Minimum]
    )
    return _activated(keras, rng, join()([a, b] if rng.random() < 0.5 else [b, a]))


def _joined(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """Branches side by side, along the channels or an edge of the image."""
    axis = _choice(rng, [3, 3, 3, 1, 2])
    filters = None if axis == 3 else x.shape[3]
    branches = [
        _conv(keras, rng, x, filters=filters or int(rng.integers(1, 9)), same=True) for _ in range(rng.integers(1, 3))
    ]
    return keras.layers.Concatenate(axis=axis)([*branches, x] if rng.random() < 0.5 else [*branches, branches[0]])


def _norm(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    return _activated(keras, rng, keras.layers.BatchNormalization()(x))


def _gate(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """Squeeze and excite."""
    pooled = _choice(rng, [keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D])(keepdims=True)(x)
    hidden = keras.layers.Conv2D(int(rng.integers(1, 6)), 1, activation="relu")(pooled)
    gate = keras.layers.Conv2D(x.shape[3], 1, activation=_choice(rng, ["sigmoid", "hard_sigmoid", "tanh"]))(hidden)
    return keras.layers.Multiply()([x, gate])


def _padded(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    pads = tuple(tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in range(2))
    return keras.layers.ZeroPadding2D(pads)(x)


def _cut(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """A part of x, or its parts in another arrangement."""
    _, h, w, c = x.shape
    style = rng.integers(3)
    if style == 0 and h > 3 and w > 3:
        return keras.layers.Cropping2D(((1, int(rng.integers(0, 2))), (0, 1)))(x)
    if style == 1 and c % 2 == 0:
        a, b = keras.ops.split(x, 2, axis=3)
        return keras.layers.Concatenate()([b, _activated(keras, rng, a)])
    return x[:, :: int(rng.integers(1, 3)), int(rng.integers(0, w)) :, : int(rng.integers(1, c + 1))]


def _turned(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    _, h, w, c = x.shape
    if rng.random() < 0.3:
        return keras.layers.Reshape((w, h, c))(x)
    return keras.layers.Permute(tuple(int(axis) + 1 for axis in rng.permutation(3)))(x)


def _scaled(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """Arithmetic with a constant, a number or one for each channel."""
    shape = _choice(rng, [(), (x.shape[3],)])
    constant = rng.normal(size=shape).astype(np.float32) + 0.1
    ops = keras.ops
    functions = [ops.multiply, ops.add, ops.subtract, lambda x, k: ops.subtract(k, x), ops.maximum]
    return _choice(rng, functions)(x, constant)


def _standalone(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    return _activated(keras, rng, _activated(keras, rng, x))


def _grown(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    kernel, stride = int(rng.integers(1, 5)), _choice(rng, [1, 2, 2, 3])
    layer = keras.layers.Conv2DTranspose(int(rng.integers(1, 7)), kernel, stride, _choice(rng, ["same", "valid"]))
    return _activated(keras, rng, layer(x))


def _resized(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    _, h, w, _ = x.shape
    size = (2 * h, 2 * w) if rng.random() < 0.6 else (int(rng.integers(1, 20)), int(rng.integers(1, 20)))
    return keras.layers.Resizing(*size, interpolation="nearest")(x)


def _head(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """A classifier, a regression, or the image itself."""
    layers = keras.layers
    style = rng.integers(6)
    if style == 0:
        return x if rng.random() < 0.5 else layers.Softmax()(layers.Conv2D(3, 1)(x))
    pool = _choice(
        rng, [layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D(), layers.Flatten(), layers.Flatten()]
    )
    y = pool(x)
    for _ in range(int(rng.integers(0, 3))):
        y = layers.Dense(int(rng.integers(1, 33)), activation=_choice(rng, ["relu", "relu", "tanh", None, "relu6"]))(y)
    final = _choice(rng, ["softmax", "softmax", "sigmoid", None])
    return layers.Dense(int(rng.integers(2, 12)), activation=final, use_bias=bool(rng.random() < 0.8))(y)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TensorFlow's announcements off the terminal, those past Python too."""
    warnings.filterwarnings("ignore")
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    saved = [os.dup(descriptor) for descriptor in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        yield
    finally:
        for descriptor, original in zip((1, 2), saved, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
        os.close(nowhere)
