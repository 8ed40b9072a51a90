"""Whether batch normalization has kept the statistics of the network that was trained, or those of its first steps.

They follow the training slowly (by 1 % a step with momentum 0.99), and a short one ends before they have come near:
accurate in training, where each batch has its own, the network gives one answer to everything afterwards.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.backend import load_keras
from tinyproof.export.conversion.answers import classes
from tinyproof.export.conversion.walk import leaves

BATCH = 64
CLEARLY_MORE_RIGHT = 0.1  # share of the labelled ones
LEAST_OTHERS = 0.1  # share of answers that are not the most frequent


def outdated(
    network: Any, x: NDArray[np.float32], exact: NDArray[np.float32], labels: NDArray[np.integer] | None
) -> str:
    """What is to be said of the statistics kept; '' where float's answers are no better with those of the batch.

    `x` (N,...) is what the network takes, `exact` (N,classes) its answers, `labels` (N,) the right ones.
    """
    x, exact = x[:BATCH], exact[:BATCH]
    own = with_own_statistics(network, x)
    if own is None or not np.isfinite(own).all():
        return ""
    answers, kept = classes(own), classes(exact)
    if labels is not None:
        right, before = float((answers == labels[:BATCH]).mean()), float((kept == labels[:BATCH]).mean())
        better = f"is right on {right:.1%} of {len(x)}" if right > before + CLEARLY_MORE_RIGHT else ""
    else:
        varied = len(np.unique(kept)) == 1 and np.bincount(answers).max() <= (1 - LEAST_OTHERS) * len(answers)
        better = f"tells {len(np.unique(answers))} classes apart" if varied else ""
    if not better:
        return ""
    momentum = max(layer.momentum for layer in _layers(network))
    return (
        f"with statistics of the batch in place of those that batch normalization has kept float {better}: those kept "
        f"are of the training's first steps (momentum {momentum:g}; train longer, or build it with momentum=0.9), or "
        "of other pixels"
    )


def with_own_statistics(network: Any, x: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """The network's outputs where batch normalization takes mean and variance of x; None where it has none to take."""
    layers = _layers(network)
    if not layers or len(x) < 2:
        return None
    weights = [layer.get_weights() for layer in layers]
    for layer in layers:
        object.__setattr__(layer, "call", partial(_in_training, layer.call))
    try:
        return np.asarray(network(x, training=False))
    finally:
        for layer, before in zip(layers, weights, strict=True):
            object.__delattr__(layer, "call")
            layer.set_weights(before)


def _in_training(call: Any, inputs: Any, training: bool = False, **others: Any) -> Any:
    return call(inputs, training=True, **others)


def _layers(network: Any) -> list[Any]:
    """Those that a training changes; one that is frozen keeps what it has."""
    kind = load_keras().layers.BatchNormalization
    return [layer for layer in leaves(network) if isinstance(layer, kind) and layer.trainable]
