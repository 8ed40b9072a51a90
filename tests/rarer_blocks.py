"""Random blocks of the layers that few networks have, for `random_layers.py`: each keeps the tensor an image."""

from __future__ import annotations

from typing import Any

import numpy as np

Tensor = Any  # a Keras tensor (1, h, w, c)
Rng = np.random.Generator


def bilinear(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    _, h, w, _ = x.shape
    size = (2 * h, 2 * w) if rng.random() < 0.5 else (int(rng.integers(1, 20)), int(rng.integers(1, 20)))
    return keras.layers.Resizing(*size, interpolation="bilinear")(x)


def attention(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """Each pixel of the image replaced by a mean of all, weighted by how alike they are."""
    ops, (_, h, w, c) = keras.ops, x.shape
    rows = keras.layers.Reshape((h * w, c))(x)
    query, key = (keras.layers.Dense(int(c))(rows) for _ in range(2))
    likeness = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
    return keras.layers.Reshape((h, w, c))(ops.matmul(keras.layers.Softmax()(likeness), rows))


def rearranged(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """Pixels to depth or back, or rows, columns or channels in another order."""
    import tensorflow as tf

    _, h, w, c = x.shape
    styles = [lambda: _taken(keras, rng, x)]
    if h % 2 == 0 and w % 2 == 0:
        styles.append(lambda: keras.layers.Lambda(lambda t: tf.nn.space_to_depth(t, 2))(x))
    if c % 4 == 0:
        styles.append(lambda: keras.layers.Lambda(lambda t: tf.nn.depth_to_space(t, 2))(x))
    return styles[int(rng.integers(len(styles)))]()


def _taken(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    axis = int(rng.integers(1, 4))
    indexes = rng.integers(0, x.shape[axis], int(rng.integers(1, 6))).tolist()
    return keras.ops.take(x, indexes, axis=axis)


def reduced(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """The largest, smallest or sum along some axes, which stay."""
    axes = [axis for axis in (1, 2, 3) if rng.random() < 0.5] or [3]
    function = (keras.ops.max, keras.ops.min, keras.ops.sum, keras.ops.mean)[int(rng.integers(4))]
    return keras.ops.concatenate([function(x, axis=axes, keepdims=True)] * 2, axis=3)


def curved(keras: Any, rng: Rng, x: Tensor) -> Tensor:
    """A function of each number, or of its distance to a constant."""
    import tensorflow as tf

    constant = rng.normal(size=(x.shape[3],)).astype(np.float32)
    functions = (
        keras.layers.ELU(),
        keras.layers.LayerNormalization(),
        keras.layers.UnitNormalization(),
        keras.ops.absolute,
        keras.layers.Lambda(lambda t: tf.math.squared_difference(t, constant)),
        keras.layers.Lambda(lambda t: tf.math.l2_normalize(t, axis=-1)),
        keras.layers.Lambda(lambda t: tf.nn.log_softmax(t)),
    )
    return functions[int(rng.integers(len(functions)))](x)


ANY_BATCH = (curved, curved, reduced)
BATCH_OF_ONE = (bilinear, attention, rearranged)
