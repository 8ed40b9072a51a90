"""Which range of pixels a network was trained on, from the network itself and the calibration pictures.

Four witnesses, the surest first: labels; what the network does to its input before its first weights (a Rescaling, a
division, however deep in nested models); the statistics that batch normalization has kept of its inputs; how sharp and
varied the answers are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof.export.conversion.walk import first_input
from tinyproof.export.pixels import DEFAULT, PIXELS
from tinyproof.fidelity import NUMBERS

PICTURES = 128
CLEARLY_MORE_RIGHT = 0.1  # share of labelled pictures
AS_SHARP = 0.6  # of the sharpest range's answers: the smallest range that comes so near is taken
LEAST_SHARP = 0.2  # of the bits that the classes have: less is no network that was trained
RATHER_SHARP = 0.5
WEAKEST, STRONGEST = 0.02, 20.0  # deviation of what reaches the first weights: pixels in a usual range are within
OTHERWISE = (
    "if it was trained on pixels less a mean, or over a deviation, save it with a keras.layers.Normalization in front"
)
WEIGHTED = ("Conv", "Dense", "Separable", "BatchNormalization", "LSTM", "GRU", "Embedding")
Images = NDArray[np.uint8]
Scores = NDArray[np.float32]


def noun(images: NDArray[Any]) -> str:
    """What images uint8 are called, and other samples."""
    return "pictures" if images.dtype == np.uint8 else "samples"


def scaled(images: NDArray[Any], pixels: str) -> NDArray[np.float32]:
    """What the network gets of images uint8 (N,H,W,C) in that range; samples float32 as they are."""
    if pixels == NUMBERS:
        return images
    scale, offset = PIXELS[pixels]
    return (images.astype(np.float32) / np.float32(255) * np.float32(scale) + np.float32(offset)).astype(np.float32)


def wanted_pixels(network: Any, images: Images, labels: NDArray[np.integer] | None) -> tuple[str, str]:
    """(a name of PIXELS, why in words that follow 'because')."""
    sample = images[:: max(1, len(images) // PICTURES)]
    answers = {name: np.asarray(network(scaled(sample, name), training=False)) for name in PIXELS}
    known = labels[:: max(1, len(images) // PICTURES)] if labels is not None else None
    return (
        _by_labels(answers, known)
        or _by_first_weights(network, sample)
        or _by_statistics(network, sample)
        or _by_sharpness(answers)
    )


def _by_labels(answers: dict[str, Scores], labels: NDArray[np.integer] | None) -> tuple[str, str] | None:
    if labels is None or next(iter(answers.values())).ndim != 2:
        return None
    right = {name: float((classes(scores) == labels).mean()) for name, scores in answers.items()}
    best, second = sorted(right.values(), reverse=True)[:2]
    name = max(right, key=lambda name: right[name])
    guessing = np.bincount(labels).max() / len(labels)
    if best - second < CLEARLY_MORE_RIGHT or best < guessing + CLEARLY_MORE_RIGHT:
        return None
    return name, f"the float network is right on {best:.0%} of the labelled pictures then, on {second:.0%} at most else"


def _by_first_weights(network: Any, images: Images) -> tuple[str, str] | None:
    """What becomes of black and white on the way to the first weights: the range that leads to about -1..1 is meant."""
    spans = {}
    for name in PIXELS:
        ends = np.stack([np.zeros(images.shape[1:], np.uint8), np.full(images.shape[1:], 255, np.uint8)])
        x = scaled(ends, name)
        found = first_input(network, x, lambda layer: type(layer).__name__.startswith(WEIGHTED))
        if found is None or found[1].ndim != 4 or len(found[1]) != 2:
            return None
        low, high = (float(part.mean()) for part in found[1])
        if np.allclose((low, high), (x[0].mean(), x[1].mean()), atol=1e-3):
            return None  # nothing is done to them
        spans[name] = (low, high)
    # A pixel scaled to -1..1, 0..1 or to unit variance spans 1 to 6.
    misfit = {
        n: abs(np.log2(max(abs(high - low), 1e-9) / 2)) + 0.2 * abs(high + low) for n, (low, high) in spans.items()
    }
    name = min(misfit, key=lambda name: misfit[name])
    low, high = spans[name]
    return name, f"it scales them itself, to {low:.3g}..{high:.3g} before its first weights"


def odd_numbers(network: Any, samples: NDArray[np.float32]) -> list[str]:
    """What makes samples float32 (N,H,W,C) look like pixels in another range than the network takes."""
    if samples.ndim != 4 or samples.shape[3] not in (1, 3):
        return []
    found = first_input(network, samples[:PICTURES], lambda layer: type(layer).__name__.startswith(WEIGHTED))
    if found is None or found[1].ndim != 4:
        return []
    spread, given = float(found[1].std()), float(samples[:PICTURES].std())
    low, high = float(samples.min()), float(samples.max())
    if not np.isclose(spread, given, rtol=1e-3) and not WEAKEST <= spread <= STRONGEST:
        return [
            f"the samples are {low:.3g}..{high:.3g}, and the network makes numbers that differ by {spread:.2g} of them "
            "before its first weights: was it trained on another range? Give pixels as uint8, 0..255"
        ]
    if low >= 0 and 1 < high <= 255 and bool((samples == np.rint(samples)).all()):
        return ["the samples are whole numbers of 0..255: if they are pixels, give them as uint8, astype('uint8')"]
    return []


def _by_statistics(network: Any, images: Images) -> tuple[str, str] | None:
    """The range in which the first batch normalization meets the mean and variance that it has kept."""
    distance = {}
    for name in PIXELS:
        found = first_input(network, scaled(images, name), lambda layer: type(layer).__name__ == "BatchNormalization")
        if found is None:
            return None
        layer, x = found
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
        if np.allclose(mean, 0) and np.allclose(variance, 1):
            return None  # it was never trained
        axes = tuple(range(x.ndim - 1))
        off = (x.mean(axes) - mean) ** 2 / (variance + 1e-6)
        ratio = np.abs(np.log((x.var(axes) + 1e-6) / (variance + 1e-6)))
        distance[name] = float(np.median(off + ratio))
    name = min(distance, key=lambda name: distance[name])
    return name, f"layer '{layer.name}' has kept statistics that fit this range best"


def _by_sharpness(answers: dict[str, Scores]) -> tuple[str, str]:
    if any(scores.ndim != 2 for scores in answers.values()):
        return DEFAULT, "nothing in the network says otherwise"
    told = {name: information(scores) for name, scores in answers.items()}
    most = max(told.values())
    bits = np.log2(max(2, next(iter(answers.values())).shape[1]))
    vague = most < RATHER_SHARP * bits
    if most < LEAST_SHARP * bits:
        return DEFAULT, f"nothing says otherwise, and its answers are vague in every range: was it trained? {OTHERWISE}"
    order = ("0..1", "-1..1", "0..255")
    name = next(name for name in order if told[name] >= AS_SHARP * most)
    if name == "0..1" and told["-1..1"] > told["0..1"] * 1.25:
        name = "-1..1"
    figures = ", ".join(f"{told[name]:.2f} bits in {name}" for name in order)
    return name, f"its answers are sharp and varied then ({figures})" + (f"; {OTHERWISE}" if vague else "")


def information(scores: Scores) -> float:
    """How much an answer (N,classes) says about its picture, bits: entropy of the mean less the mean entropy."""
    shares = probabilities(scores)
    return _entropy(shares.mean(0)) - float(np.mean([_entropy(row) for row in shares]))


def probabilities(scores: Scores) -> NDArray[np.float64]:
    """Scores (N,classes) as shares of one: they are some, one sigmoid for two classes, or logits."""
    y = scores.astype(np.float64)
    if y.shape[1] == 1:
        one = np.clip(y, 0, 1) if y.min() >= 0 and y.max() <= 1 else 1 / (1 + np.exp(-np.clip(y, -50, 50)))
        return np.asarray(np.concatenate([1 - one, one], axis=1))
    if y.min() >= 0 and np.allclose(y.sum(1), 1, atol=1e-2):
        return np.asarray(y / y.sum(1, keepdims=True))
    powers = np.exp(y - y.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def classes(scores: Scores) -> NDArray[np.int64]:
    """The class of each row; of a single output, whether it is over one half (of logits: over 0)."""
    return np.asarray(probabilities(scores).argmax(1), np.int64)


def _entropy(shares: NDArray[np.float64]) -> float:
    return float(-(shares * np.log2(np.maximum(shares, 1e-12))).sum())
