"""Which range of pixels a network was trained on, from the network itself and the calibration pictures.

Four witnesses, the surest first: labels; what the network does to its input before its first weights (a Rescaling, a
division, however deep in nested models); the statistics that batch normalization has kept of its inputs; how sharp and
varied the answers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyproof import advice
from tinyproof.export.conversion.answers import Answers, classes, information, kind_of
from tinyproof.export.conversion.walk import first_input, leaves
from tinyproof.export.pixels import BLUE_FIRST, DEFAULT, USUAL, candidates, taken

PICTURES = 128
CLEARLY_MORE_RIGHT = 0.1  # share of labelled pictures
SIGMAS, LEAST_WON = 3.0, 0.04  # by which another range has to be right more often: of chance, and of the pictures
MOSTLY_RIGHT = 0.75  # and at least so often
BETTER_FIT, GOOD_FIT = 0.5, 0.3  # of the usual range's distance from kept statistics, and at most: for a rarer range
MISFIT = 0.3  # at least, of the usual range then
ALIKE, NOISE = 1.5, 0.01  # times the best range's distance, with so much on both: another one fits as well
WARMED = np.geomspace(0.02, 1.0, 24)  # how far from their start statistics may have come: a short training ends before
LONG_TRAINED = 0.9
ORDER = ("0..1", "-1..1", "0..255")  # of the likelihood of ranges about which nothing else is known
AS_SHARP = 0.6  # of the sharpest range's answers: the smallest range that comes so near is taken
LEAST_SHARP = 0.2  # of the bits that the classes have: less is no network that was trained
RATHER_SHARP = 0.5
LEAST_LEVELS = 8  # of an int8 input, for a feature to tell anything
MOST_FEATURES = 512
WEAKEST, STRONGEST = 0.02, 20.0  # deviation of what reaches the first weights: pixels in a usual range are within
LESS_A_MEAN = ("-128..127", "caffe")  # of what looks like 0..255 otherwise
SURER = "labels would tell this{}: class folders, or an .npz of x and y"
Images = NDArray[np.uint8]
Scores = NDArray[np.floating[Any]]


def is_weighted(layer: Any) -> bool:
    """Whether a layer has weights that were trained, itself or in what it wraps: from there on nothing tells of pixels.
    What a Normalization has kept is measured, and scales them.
    """
    return bool(layer.weights) and type(layer).__name__ != "Normalization"


def noun(images: NDArray[Any]) -> str:
    """What images uint8 are called, and other samples."""
    return "pictures" if images.dtype == np.uint8 else "samples"


def scaled(images: NDArray[Any], pixels: str) -> NDArray[np.float32]:
    """What the network gets of images uint8 (N,H,W,C) in that range; samples float32 as they are."""
    how = taken(pixels)
    if how is None:
        return images
    x = (images[..., ::-1] if how.blue_first else images).astype(np.float32) / np.float32(255)
    return np.asarray(x * np.array(how.scale, np.float32) + np.array(how.offset, np.float32), np.float32)


def wanted_pixels(network: Any, images: Images, labels: NDArray[np.integer] | None, loss: str = "") -> tuple[str, str]:
    """(what `export.pixels.taken` understands, why in words that follow 'because')."""
    every = slice(None, None, max(1, len(images) // PICTURES))
    sample = images[every]
    less_a_mean = [name for name in candidates(images.shape[3], orders=False) if name in LESS_A_MEAN]
    names = [*USUAL, *less_a_mean] if labels is None else candidates(images.shape[3])
    answers = {name: np.asarray(network(scaled(sample, name), training=False)) for name in names}
    known = labels[every] if labels is not None else None
    answers = {name: _by_place(scores) for name, scores in answers.items()} if labels is None else answers
    usual = {name: answers[name] for name in USUAL}
    kind = kind_of(network, usual[DEFAULT], loss, known is not None, True)
    found = _by_labels(usual, known) or _by_first_weights(network, sample)
    if found is None:
        fitting, why = _by_statistics(network, sample)
        if len(fitting) == 1:
            found = fitting[0], why
        else:
            others = [answers[name] for name in less_a_mean]
            name, sharp = _by_sharpness(usual, kind, known is not None, others, fitting or ORDER)
            found = name, why + sharp
    return _corrected(answers, known, found[0]) or found


def _by_place(scores: Scores) -> Scores:
    """Shares of classes for every place of a picture (N,H,W,classes) as so many answers (N*H*W,classes)."""
    is_share = scores.ndim == 4 and scores.min() >= 0 and scores.max() <= 1
    is_share = is_share and (scores.shape[3] == 1 or np.allclose(scores.sum(3), 1, atol=1e-2))
    return scores.reshape(-1, scores.shape[3]) if is_share else scores


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


def _corrected(answers: dict[str, Scores], labels: NDArray[np.integer] | None, found: str) -> tuple[str, str] | None:
    """A range, mean or order of colours in which the network is right on clearly more labels than in what was found."""
    if labels is None or answers[found].ndim != 2:
        return None
    right = {name: classes(scores) == labels for name, scores in answers.items()}
    is_guess = right[found].mean() <= np.bincount(labels).max() / len(labels)
    if is_guess:
        right.pop("1..0", None)  # black for white is often the answer of another class, as labels in another order are
    most = max(map(np.sum, right.values()))
    near = [name for name in right if right[name].sum() >= most - LEAST_WON / 2 * len(labels)]
    name = BLUE_FIRST + found if BLUE_FIRST + found in near else near[0]
    won, lost = int((right[name] & ~right[found]).sum()), int((right[found] & ~right[name]).sum())
    if won - lost < max(SIGMAS * np.sqrt(won + lost), LEAST_WON * len(labels)) or right[name].mean() < MOSTLY_RIGHT:
        return None
    what = ", blue first" if name.startswith(BLUE_FIRST) or name == "caffe" else ""
    doubt = ", or are the labels in another order than its classes?" if is_guess else ""
    return name, (
        f"the float network is right on {right[name].mean():.0%} of the labelled pictures then{what}, on "
        f"{right[found].mean():.0%} in {found}{doubt}"
    )


def _by_first_weights(network: Any, images: Images) -> tuple[str, str] | None:
    """What becomes of black and white on the way to the first weights: the range that leads to about -1..1 is meant."""
    spans = {}
    for name in USUAL:
        ends = np.stack([np.zeros(images.shape[1:], np.uint8), np.full(images.shape[1:], 255, np.uint8)])
        x = scaled(ends, name)
        found = first_input(network, x, is_weighted)
        if found is None or found[1].ndim not in (2, 4) or len(found[1]) != 2:
            return None
        low, high = (float(part.mean()) for part in found[1])
        if not np.isfinite((low, high)).all():
            return None  # of a picture of one colour, such as one over its own deviation
        if np.allclose((low, high), (x[0].mean(), x[1].mean()), atol=1e-3):
            return None  # nothing is done to them
        spans[name] = (low, high)
    misfit = {name: _misfit_of_span(*ends) for name, ends in spans.items()}
    name = min(misfit, key=lambda name: misfit[name])
    low, high = spans[name]
    return name, f"it scales them itself, to {low:.3g}..{high:.3g} before its first weights"


def _misfit_of_span(low: float, high: float) -> float:
    """How unlike what weights are trained on: a pixel scaled to -1..1, 0..1 or to unit variance spans 1 to 6, and black
    and white do not both lie far on one side of nothing, where they are about equal.
    """
    span, off = max(abs(high - low), 1e-9), abs(high + low)
    return float(abs(np.log2(span / 2)) + 0.2 * off + np.log2(max(off / span, 1.0)))


def unequal_features(network: Any, samples: NDArray[np.float32]) -> list[str]:
    """A caution where numbers of some feature, of samples float32 (N,...,features), drown beside larger ones."""
    features = samples.reshape(-1, samples.shape[-1])
    step = float(samples.max() - samples.min()) / 255
    swing = np.quantile(features, 0.99, axis=0) - np.quantile(features, 0.01, axis=0)
    lost = [k for k, each in enumerate(swing) if 0 < each < LEAST_LEVELS * step]
    if not lost or samples.shape[-1] > MOST_FEATURES:
        return []
    first = next((layer for layer in leaves(network) if type(layer).__name__ not in ("Flatten", "Reshape")), None)
    names = ("Normalization", "BatchNormalization", "Rescaling")
    inside = f", not within it (layer '{first.name}')" if first is not None and type(first).__name__ in names else ""
    return [
        f"feature {', '.join(map(str, lost[:8]))} of {len(swing)} (from 0 on) has fewer than {LEAST_LEVELS} of the 256 "
        f"levels of an int8 input, which all features share: scale each to about -1..1 before the network{inside}"
    ]


def odd_numbers(network: Any, samples: NDArray[np.float32], is_picture: bool) -> list[str]:
    """What makes samples float32, (N,H,W,C) or else of a picture, look like pixels in another range than the network
    takes.
    """
    if not is_picture and (samples.ndim != 4 or samples.shape[3] not in (1, 3)):
        return []
    found = first_input(network, samples[:PICTURES], is_weighted)
    if found is None or (found[1].ndim != 4 and not is_picture):
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


def _by_statistics(network: Any, images: Images) -> tuple[list[str], str]:
    """The ranges in which the first batch normalization meets the mean and variance that it has kept, and why, in words
    that follow 'because' or come before others; none where it has kept none.
    """
    distance, share = {}, {}
    for name in candidates(images.shape[3], orders=False):  # filters often take red for as good as blue
        found = first_input(network, scaled(images, name), lambda layer: type(layer).__name__ == "BatchNormalization")
        if found is None:
            return [], ""
        layer, x = found
        mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
        if np.allclose(mean, 0) and np.allclose(variance, 1):
            return [], ""  # it was never trained
        axes = tuple(range(x.ndim - 1))
        distance[name], share[name] = _misfit(mean, variance, x.mean(axes), x.var(axes))
    name = min(USUAL, key=lambda name: distance[name])
    rarer = min(distance, key=lambda name: distance[name])
    if distance[rarer] < min(BETTER_FIT * distance[name], GOOD_FIT) and distance[name] > MISFIT:
        name = rarer
    alike = [each for each in ORDER if distance[each] + NOISE < ALIKE * (distance[name] + NOISE)]
    if name in USUAL and len(alike) > 1:
        return alike, f"statistics of layer '{layer.name}' fit {' and '.join(alike)} alike; "
    short = " once a short training is allowed for" if share[name] < LONG_TRAINED else ""
    return [name], f"layer '{layer.name}' has kept statistics that fit this range best{short}"


def _misfit(mean: Scores, variance: Scores, seen_mean: Scores, seen_variance: Scores) -> tuple[float, float]:
    """How far kept statistics are from those seen, and how far from mean 0 and variance 1, where they start, a training
    has brought them that would leave them nearest to that.
    """
    found = []
    for share in WARMED:
        near = share * seen_variance + 1 - share
        off = (share * seen_mean - mean) ** 2 / (variance + 1e-6)
        found.append((float(np.median(off + np.abs(np.log((near + 1e-6) / (variance + 1e-6))))), float(share)))
    return min(found)


def _otherwise(labelled: bool) -> str:
    torch, caffe = advice.setting("pixels", "torch"), advice.setting("pixels", "caffe")
    surer = "" if labelled else "labelled pictures would tell; "
    return f"{surer}for pixels less a mean or over a deviation give {torch} or {caffe}"


def _by_sharpness(
    answers: dict[str, Scores], kind: Answers, labelled: bool, less_a_mean: list[Scores], order: Sequence[str]
) -> tuple[str, str]:
    """The range of those in `order` in which answers tell most, with a word where those of pixels `less_a_mean` tell
    more still.
    """
    if kind is Answers.NUMBERS:
        return order[0], "this is assumed, for nothing in the network says otherwise and its answers are numbers"
    answers = {name: answers[name] for name in order}
    told = {name: information(scores, kind) for name, scores in answers.items()}
    most = max(told.values())
    bits = np.log2(max(2, next(iter(answers.values())).shape[1])) if kind is Answers.CLASS else 1.0
    vague = most < RATHER_SHARP * bits
    if most < LEAST_SHARP * bits:
        return (
            order[0],
            f"this is assumed, for its answers are vague in every range: was it trained? {_otherwise(labelled)}",
        )
    name = next(name for name in order if told[name] >= AS_SHARP * most)
    if name == "0..1" and told.get("-1..1", 0.0) > told["0..1"] * 1.25:
        name = "-1..1"
    figures = ", ".join(f"{told[name]:.2f} bits in {name}" for name in order)
    little = f"its answers tell most then, though little ({figures}, of {bits:.2f}): a guess"
    other = max((information(scores, kind) for scores in less_a_mean), default=0.0)
    if name == "0..255" and not labelled and other > told[name]:
        asked = " or ".join(advice.setting("pixels", name) for name in LESS_A_MEAN[: len(less_a_mean)])
        sharp = little if vague else f"its answers are sharp then ({figures})"
        return name, f"{sharp}, but sharper less a mean ({other:.2f} bits): try {asked}"
    if vague:
        return name, f"{little}; {_otherwise(labelled)}"
    guess = "" if labelled else "; " + SURER.format(" and the order of its colours" if len(less_a_mean) > 1 else "")
    return name, f"its answers are sharp and varied then ({figures}){guess}"
