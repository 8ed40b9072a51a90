"""Which pixels matter, by the gradients of the Keras model: beside the page's occlusion maps, for its sample pictures.

Saliency: how much the score changes with each pixel, as the mean over noisy copies of the picture (Smilkov and others,
SmoothGrad, 2017). Grad-CAM: which places of the last stack of maps speak for the class (Selvaraju and others, Grad-CAM,
ICCV 2017). Both of the float network, of the score before a last softmax. TensorFlow is imported here alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.preprocess import preprocess
from tinyproof.training.lab.trained import Trained
from tinyproof.training.play.elsewhere import Origin
from tinyproof.training.play.packed import packed

CLASSES = 2  # the likeliest of a picture, and its label
COPIES, NOISE, SEED = 16, 0.08, 1  # noise in shares of the range of pixels
SIDE = 48  # of a map, at most
SQUEEZING = ("softmax", "sigmoid", "log_softmax")


@dataclass(frozen=True)
class GradientMaps:
    """Of one test picture of the page and one class; packed uint8 maps, 255 is the most."""

    picture: int
    label: int
    saliency: str
    saliency_shape: tuple[int, int]
    cam: str  # of 0 x 0 where no layer hands on maps, or none of them speaks for the class
    cam_shape: tuple[int, int]


def gradients(
    origin: Origin | None, trained: Trained, rows: NDArray[np.int64], places: Sequence[int]
) -> list[GradientMaps]:
    """Maps for the test pictures rows[place] of every place; none without the Keras model, or without Keras."""
    if not places or origin is None or find_spec("tensorflow") is None:
        return []
    from tinyproof.export.conversion.loading import load_network

    with tempfile.TemporaryDirectory() as scratch:
        network = load_network(origin.keras, Path(scratch), trained.input_shape, "train it again").network
    scorer = _scorer(network)
    found = []
    for place in places:
        image = preprocess(trained.splits.x_test[rows[place]][np.newaxis])
        scores = np.asarray(scorer(origin.given(image))[0]).reshape(-1)
        likeliest = np.argsort(-scores, kind="stable")[:CLASSES].tolist()
        known = [label for label in [int(trained.splits.y_test[rows[place]])] if 0 <= label < len(scores)]
        for label in dict.fromkeys([*likeliest, *known]):
            maps = _maps(scorer, origin, image, label)
            if maps is None:
                return []
            saliency, cam = maps
            found.append(
                GradientMaps(
                    place, label, packed(saliency.tobytes()), _sides(saliency), packed(cam.tobytes()), _sides(cam)
                )
            )
    return found


def _sides(grid: NDArray[np.uint8]) -> tuple[int, int]:
    return grid.shape[0], grid.shape[1]


def scores_of(network: Any) -> Any:
    """Its scores, before what squeezes them into shares; a last activation is taken off the network."""
    import keras

    ends = (layer for layer in network.layers if getattr(layer, "output", None) is network.outputs[0])
    last = next(ends, network.layers[-1])  # a Sequential's outputs are its last layer's, under another name
    name = getattr(getattr(last, "activation", None), "__name__", type(last).__name__.lower())
    if name in SQUEEZING and isinstance(last, keras.layers.Activation | keras.layers.Softmax):
        return last.input
    if name in SQUEEZING:
        last.activation = keras.activations.linear
    return last.output


def _scorer(network: Any) -> Any:
    """From pictures to [scores before what squeezes them, the last stack of maps or nothing]."""
    import keras

    scores = scores_of(network)
    return keras.Model(network.inputs[0], [scores, *_maps_before(scores)])


def _maps_before(scores: Any) -> list[Any]:
    """The nearest stack of maps that they are computed from; none where there is none but the picture."""
    waiting, seen = [scores], set()
    while waiting:
        tensor = waiting.pop(0)
        operation, node, _ = tensor._keras_history
        if id(tensor) in seen or not operation._inbound_nodes[node].input_tensors:
            continue
        seen.add(id(tensor))
        if _is_maps(tensor):
            return [tensor]
        waiting += operation._inbound_nodes[node].input_tensors
    return []


def _is_maps(tensor: Any) -> bool:
    shape = tensor.shape
    return len(shape) == 4 and None not in shape[1:3] and min(shape[1:3]) > 1


def _maps(
    scorer: Any, origin: Origin, image: NDArray[np.float32], label: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Saliency and Grad-CAM; None where no gradient leads back to the picture."""
    import tensorflow as tf

    random = np.random.default_rng(SEED)
    copies = tf.constant(image + random.normal(0, NOISE, (COPIES, *image.shape[1:])).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(copies)
        score = tf.reduce_sum(scorer(origin.given(copies), training=False)[0][..., label])
    slopes = tape.gradient(score, copies)
    if slopes is None:
        return None
    saliency = tf.reduce_max(tf.reduce_mean(tf.abs(slopes), axis=0), axis=-1).numpy()
    if len(scorer.outputs) < 2:
        return _bytes(saliency), np.zeros((0, 0), np.uint8)
    picture = tf.constant(np.asarray(origin.given(image)))
    with tf.GradientTape() as tape:
        tape.watch(picture)  # else nothing leads to the maps of a network without weights to train before them
        scores, maps = scorer(picture, training=False)
        score = scores[0, ..., label]
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))[0]
    cam = np.maximum((maps[0] * weights).numpy().sum(axis=-1), 0)
    return _bytes(saliency), _bytes(cam) if cam.any() else np.zeros((0, 0), np.uint8)


def _bytes(grid: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A map (h,w) >= 0 as uint8, means of blocks, no side longer than SIDE."""
    step = -(-max(grid.shape) // SIDE)
    rows, columns = max(grid.shape[0] // step, 1), max(grid.shape[1] // step, 1)
    blocks = grid[: rows * step, : columns * step].reshape(rows, min(step, grid.shape[0]), columns, -1)
    means = blocks.mean(axis=(1, 3))
    return np.asarray(np.rint(255 * means / (means.max() or 1)), np.uint8)
