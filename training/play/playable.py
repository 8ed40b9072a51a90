"""A model that a page can show: one picture in, one row of numbers out. Its test pictures, where it came with some.

A model from elsewhere has none and may have no names for its classes: then there is something to draw on, and numbers;
beside it what calibrated it, where that is at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyproof.console import UserError
from tinyproof.export.tflite_reader import read_graph
from tinyproof.fidelity import load_fidelity
from tinyproof.manifest import TFLITE_FILE, Manifest, TensorInfo
from tinyproof.model_files import SPLITS_FILE, Splits
from tinyproof.training.lab.trained import Layer, Trained, load_classes, load_images, read_layers, shape_text
from tinyproof.training.play.elsewhere import calibration_pictures, splits_of

# What outputs are: shares of 1, scores of any size, shares that each decide by itself, or numbers that are no scores.
SHARES, SCORES, DECISIONS, NUMBERS = "shares", "scores", "decisions", "numbers"


@dataclass(frozen=True, eq=False)
class Playable:
    """The model, and what its outputs are."""

    model: Trained
    kind: str


def load_playable(folder: Path, manifest: Manifest) -> Playable:
    """The model in the folder. UserError where it takes or gives something else."""
    x, y = _ends(folder, manifest)
    content = (folder / TFLITE_FILE).read_bytes()
    graph = read_graph(content, str(folder / TFLITE_FILE))
    layers = read_layers(graph)
    if (folder / SPLITS_FILE).is_file():
        kind, splits, labels = kind_of(layers, y), load_images(folder, x.shape), load_classes(folder, y.size_bytes)
    else:
        fidelity = load_fidelity(folder, manifest.model_sha256)
        kind = kind_of(layers, y, fidelity.answers if fidelity else "")
        labels = manifest.labels or _numbers(y.size_bytes, kind)
        classes = y.size_bytes if kind in (SHARES, SCORES) else 0
        splits = calibration_pictures(folder, _picture(x), classes) or _no_images(x.shape)
    return Playable(Trained(folder.resolve().name, content, graph, layers, labels, splits), kind)


def kind_of(layers: Sequence[Layer], y: TensorInfo, said: str = "") -> str:
    """What its outputs are, of the words above. `said`: what the quantization found (`Fidelity.answers`)."""
    last = layers[-1].op.name
    if said == "numbers":
        return NUMBERS
    if last == "LOGISTIC" or said == "decisions":
        return DECISIONS if last == "LOGISTIC" else SCORES
    if y.size_bytes == 1:
        return NUMBERS
    return SHARES if last == "SOFTMAX" else SCORES


def _picture(x: TensorInfo) -> tuple[int, int, int]:
    return x.shape[1], x.shape[2], x.shape[3]


def _ends(folder: Path, manifest: Manifest) -> tuple[TensorInfo, TensorInfo]:
    """Its input and its output."""
    shapes = [", ".join(shape_text(one.shape[1:]) for one in ends) for ends in (manifest.inputs, manifest.outputs)]
    if manifest.picture is None:
        raise UserError(
            f"{folder}: a page draws on one picture, grey or in colour; this model takes {shapes[0]}"
            + ("" if manifest.pixel_input else ", which are no pixels")
        )
    y = manifest.outputs[0]
    if len(manifest.outputs) != 1 or max(y.shape) != y.size_bytes:
        raise UserError(f"{folder}: a page shows one row of scores; this model gives {shapes[1]}")
    return manifest.inputs[0], y


def _no_images(shape: tuple[int, ...]) -> Splits:
    return splits_of(np.zeros((0, *shape[1:]), np.uint8), np.zeros(0, np.int32))


def _numbers(count: int, kind: str) -> tuple[str, ...]:
    """Names for what has none.

    >>> _numbers(2, SHARES), _numbers(2, NUMBERS), _numbers(1, DECISIONS)
    (('class 0', 'class 1'), ('output 0', 'output 1'), ('output',))
    """
    noun = "output" if kind == NUMBERS else "class"
    return tuple(f"{noun} {number}" for number in range(count)) if count > 1 else ("output",)
