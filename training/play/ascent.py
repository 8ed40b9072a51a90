"""What excites a filter: pictures found by gradient ascent on the Keras model, from noise and from a test picture.

Every step changes the pixels a little so that a filter's map, or a class, grows. All filters of a layer are climbed at
once, each in a picture of its own. TensorFlow is imported here, and only where the Keras model is at hand.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.training.lab.trained import Trained
from tinyproof.training.play.elsewhere import Origin
from tinyproof.training.play.gradients import scores_of
from tinyproof.training.play.packed import packed_pictures

STEPS = (0, 2, 5, 12, 30, 70)  # after as many, the picture is kept
RATE = 0.03  # of the range of pixels, a step
FILTERS = 16  # of a layer, at most
MOST_BYTES = 600_000  # of all kept pictures, unpacked,
FEWEST, MOST_BYTES_OF_FEWEST = 4, 1_000_000  # or, where that is not so many of every layer, of the last ones alone
SMOOTHING, WEIGHT_DECAY = 0.12, 0.004  # without them the pictures are noise of single pixels
SEED = 1


@dataclass(frozen=True)
class Climb:
    """The kept pictures of one layer from one start, (steps, filters, H, W, C), packed."""

    layer: int  # its place among the page's layers
    start: str  # "noise" or "picture"
    filters: int
    pixels: str


@dataclass(frozen=True)
class Ascent:
    """All of them."""

    steps: tuple[int, ...]
    climbs: tuple[Climb, ...]


def ascent(origin: Origin | None, trained: Trained) -> Ascent | None:
    """Climb every convolution and the classes; None without the Keras model, or without Keras."""
    if origin is None or find_spec("tensorflow") is None:
        return None
    from tinyproof.export.conversion.loading import load_network

    with tempfile.TemporaryDirectory() as scratch:
        network = load_network(origin.keras, Path(scratch), trained.input_shape, "train it again").network
    targets = _targets(network, trained)
    steps, targets, most = _affordable(targets, int(np.prod(trained.input_shape)))
    if not targets or most < 1:
        return None
    pictures = trained.splits.x_test[:1].astype(np.float32) / 255  # none where the model came without
    climbs = []
    for place, output in targets.items():
        count = min(most, int(output.shape[-1]))
        for start in ("noise", "picture")[: 1 + len(pictures)]:
            begin = pictures[0] if start == "picture" else None
            found = _climb(network, origin, output, count, steps, begin, trained.input_shape)
            if found is None:
                continue
            climbs.append(Climb(place, start, count, packed_pictures(found.reshape(-1, *trained.input_shape))))
    return Ascent(steps, tuple(climbs)) if climbs else None


def _affordable(targets: dict[int, Any], picture_bytes: int) -> tuple[tuple[int, ...], dict[int, Any], int]:
    """The steps whose pictures are kept, the layers to climb, and how many filters of each."""
    most = MOST_BYTES // (len(STEPS) * picture_bytes * 2 * max(len(targets), 1))
    if most >= FEWEST:
        return STEPS, targets, min(most, FILTERS)
    steps = tuple(dict.fromkeys((STEPS[0], STEPS[len(STEPS) // 2], STEPS[-1])))
    last = dict(sorted(targets.items())[-2:])  # the classes, and the maps before them
    return steps, last, min(MOST_BYTES_OF_FEWEST // (len(steps) * picture_bytes * 2 * max(len(last), 1)), FILTERS)


def _targets(network: Any, trained: Trained) -> dict[int, Any]:
    """By the place of a layer its output in Keras: convolutions, and the scores."""
    by_name = {layer.name: layer for layer in network.layers}
    found = {
        place: by_name[layer.name].output
        for place, layer in enumerate(trained.layers)
        if layer.op.name == "CONV_2D" and layer.name in by_name and len(by_name[layer.name].output.shape) == 4
    }
    last = max((place for place, layer in enumerate(trained.layers) if layer.op.name == "FULLY_CONNECTED"), default=-1)
    scores = scores_of(network)
    if last >= 0 and tuple(scores.shape[1:]) == trained.layers[last].shape:
        found[last] = scores
    return found


def _climb(
    network: Any,
    origin: Origin,
    output: Any,
    count: int,
    steps: tuple[int, ...],
    picture: NDArray[np.float32] | None,
    shape: tuple[int, int, int],
) -> NDArray[np.uint8] | None:
    """Pictures uint8 (steps, count, H, W, C) that excite the first `count` filters more and more.

    None where no gradient leads back to the picture.
    """
    import keras
    import tensorflow as tf

    part = keras.Model(network.inputs, output)
    random = np.random.default_rng(SEED)
    noise = (0.5 + random.normal(0, 0.08, (count, *shape))).astype(np.float32)
    x = tf.Variable(noise if picture is None else np.repeat(picture[None], count, axis=0))
    wanted = tf.one_hot(range(count), int(output.shape[-1]))

    def gradient() -> Any:
        with tf.GradientTape() as tape:
            maps = part(origin.given(x), training=False)
            means = maps if len(maps.shape) == 2 else tf.reduce_mean(maps, axis=[1, 2])
            excitement = tf.reduce_sum(means * wanted)
        return tape.gradient(excitement, x)

    climb = tf.function(gradient)

    kept = []
    for step in range(steps[-1] + 1):
        if step in steps:
            kept.append(np.clip(np.rint(x.numpy() * 255), 0, 255).astype(np.uint8))
        slope = climb()
        if slope is None:
            return None
        size = tf.math.reduce_std(slope, axis=[1, 2, 3], keepdims=True) + 1e-8
        x.assign(tf.clip_by_value(_calmed(tf, x + RATE * slope / size), 0, 1))
    return np.stack(kept)


def _calmed(tf: Any, x: Any) -> Any:
    """Each pixel a little more like those around it, and a little darker where nothing pulls it up."""
    mean = tf.nn.avg_pool2d(x, 3, 1, "SAME")
    return (1 - WEIGHT_DECAY) * ((1 - SMOOTHING) * x + SMOOTHING * mean)
